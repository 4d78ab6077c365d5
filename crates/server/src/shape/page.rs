use serde::Serialize;
use utoipa::ToSchema;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub items: Vec<T>,
    /// Opaque; pass it as `cursor` with the same filters to get the next page. Null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    pub(crate) fn of<D>(page: kernel::Page<D>, shape: impl FnMut(D) -> T) -> Self {
        let page = page.map(shape);
        Self { items: page.items, next_cursor: page.next_cursor }
    }
}
