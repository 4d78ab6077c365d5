use crate::Error;

/// How much an expansion may cost. Every period looked at and every member found is a step, of some 10 ns.
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
/// milliseconds.
impl Default for Budget {
    fn default() -> Budget {
        Budget::steps(250_000)
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
