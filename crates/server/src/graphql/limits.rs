/// What an operation may cost. A refusal names the limit and its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of a request's body, and of a document.
    pub bytes: usize,
    /// Levels of fields.
    pub depth: usize,
    /// Levels of anything while parsing: selection sets, lists, input objects.
    pub nesting: usize,
    /// Fields of an answer at most: a field counts 1, a connection as often as it has items.
    pub complexity: usize,
    /// Fields with an alias, in the whole document.
    pub aliases: usize,
    /// Directives at one place.
    pub directives: usize,
    /// Fields, fragments and spreads in the whole document.
    pub selections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 100 * 1024,
            depth: 12,
            nesting: 32,
            complexity: 100_000,
            aliases: 30,
            directives: 10,
            selections: 1_000,
        }
    }
}
