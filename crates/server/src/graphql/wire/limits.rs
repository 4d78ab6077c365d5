use std::time::Duration;

/// What an operation may cost. A refusal names the limit and its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Bytes of a request's body.
    pub bytes: usize,
    /// Bytes of a document. Texts that are longer belong into variables, which no parser of documents has to look at.
    pub document: usize,
    /// Levels of fields.
    pub depth: usize,
    /// Levels of anything while parsing: selection sets, lists, input objects.
    pub nesting: usize,
    /// Names, values and signs of a document: what the parser has to look at.
    pub tokens: usize,
    /// Fields of an answer at most: a field counts 1, a connection as often as it has items. What is read for each object on
    /// its own counts more: 100 for a count, 1,000 where it stands at the top, 5,000 below a person or a resource.
    pub complexity: usize,
    /// Fields with an alias, in the whole document.
    pub aliases: usize,
    /// Directives at one place.
    pub directives: usize,
    /// Fields, fragments and spreads in the whole document.
    pub selections: usize,
    /// How often a field is written at one place, which is once in the answer: each that does not agree with the first
    /// is an error of its own.
    pub repeats: usize,
    /// Operations and fragments of a document.
    pub definitions: usize,
    /// Variables that a document defines.
    pub variables: usize,
    /// What is filled into them: texts, numbers, lists and objects, each with all that is in it.
    pub values: usize,
    /// How long a query may take; a change goes on, and its outcome is then unknown.
    pub deadline: Duration,
    /// Operations at once on one socket.
    pub operations: usize,
    /// Until a socket has said who it is.
    pub init: Duration,
    /// How long a client may take nothing of what it has asked for.
    pub stall: Duration,
    /// Documents that are kept for a tenant, by their hash.
    pub persisted_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 100 * 1024,
            document: 32 * 1024,
            depth: 12,
            nesting: 32,
            tokens: 5_000,
            complexity: 100_000,
            aliases: 30,
            directives: 10,
            selections: 1_000,
            repeats: 30,
            definitions: 200,
            variables: 100,
            values: 5_000,
            deadline: Duration::from_secs(20),
            operations: 50,
            init: Duration::from_secs(10),
            stall: Duration::from_secs(10),
            persisted_bytes: 256 * 1024,
        }
    }
}
