use crate::Error;

/// How much an expansion may cost. A member found, an RDATE and an EXDATE are a step each; a period looked at is one to some
/// twenty, as its BY parts make it dear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    steps: u32,
}

impl Budget {
    /// So many steps.
    pub const fn steps(n: u32) -> Budget {
        Budget { steps: n }
    }
}

/// Enough for two years of four occurrences an hour, or for every 29th of February up to the year 9999; a few
/// milliseconds (`./dev fuzz` measures them).
impl Default for Budget {
    fn default() -> Budget {
        Budget::steps(100_000)
    }
}

/// A budget being spent.
#[derive(Debug)]
pub(crate) struct Meter {
    left: u32,
    given: u32,
}

impl Meter {
    pub(crate) fn new(budget: Budget) -> Meter {
        Meter { left: budget.steps, given: budget.steps }
    }

    pub(crate) fn spend(&mut self, steps: u32) -> Result<(), Error> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Error::BudgetExhausted { steps: self.given }),
        }
    }
}
