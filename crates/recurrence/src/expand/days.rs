use crate::civil::DAY;

/// The matching days of one period, at most a leap year of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct DaySet {
    /// Local seconds of bit 0; the bits are days apart.
    pub(super) base: i64,
    pub(super) bits: [u64; 6],
}

impl DaySet {
    pub(super) fn starting(day: i64) -> DaySet {
        DaySet { base: day * DAY, bits: [0; 6] }
    }

    pub(super) fn small(day: i64, bits: u64) -> DaySet {
        DaySet { base: day * DAY, bits: [bits, 0, 0, 0, 0, 0] }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bits.iter().fold(0, |all, word| all | word) == 0
    }

    pub(super) fn len(&self) -> i64 {
        self.bits.iter().map(|word| i64::from(word.count_ones())).sum()
    }

    /// Local seconds of the n-th day, from 0.
    pub(super) fn nth(&self, n: i64) -> Option<i64> {
        let mut left = n;
        for (i, word) in self.bits.iter().enumerate() {
            let here = i64::from(word.count_ones());
            if left >= here {
                left -= here;
                continue;
            }
            let mut word = *word;
            for _ in 0..left {
                word &= word - 1;
            }
            return Some(self.base + (i as i64 * 64 + i64::from(word.trailing_zeros())) * DAY);
        }
        None
    }

    /// Local seconds of the first day.
    pub(super) fn first(&self) -> Option<i64> {
        let (i, word) = self.bits.iter().enumerate().find(|(_, word)| **word != 0)?;
        Some(self.base + (i as i64 * 64 + i64::from(word.trailing_zeros())) * DAY)
    }

    pub(super) fn drop_first(&mut self) {
        if let Some(word) = self.bits.iter_mut().find(|word| **word != 0) {
            *word &= *word - 1;
        }
    }

    /// Drops the days before bit `day` and says how many they were.
    pub(super) fn drop_before(&mut self, day: i64) -> i64 {
        let before = self.len();
        for (i, word) in self.bits.iter_mut().enumerate() {
            match day - i as i64 * 64 {
                64.. => *word = 0,
                bits @ 1..64 => *word &= u64::MAX << bits,
                _ => {}
            }
        }
        before - self.len()
    }

    /// Adds a month's bits from bit `at` on.
    pub(super) fn add(&mut self, at: u32, month: u32) {
        let (word, shift) = ((at / 64) as usize, at % 64);
        let month = u64::from(month);
        self.bits[word] |= month << shift;
        if shift > 32 && word + 1 < self.bits.len() {
            self.bits[word + 1] |= month >> (64 - shift);
        }
    }

    pub(super) fn set(&mut self, bit: i64) {
        if (0..366).contains(&bit) {
            self.bits[(bit / 64) as usize] |= 1 << (bit % 64);
        }
    }

    pub(super) fn retain(&mut self, other: &DaySet) {
        for (word, other) in self.bits.iter_mut().zip(other.bits) {
            *word &= other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_before_are_dropped_and_counted() {
        let full = DaySet { base: 0, bits: [u64::MAX; 6] };
        for day in [-1, 0, 1, 63, 64, 65, 200, 383, 384, 1_000] {
            let mut set = full;
            assert_eq!(set.drop_before(day), day.clamp(0, 384), "{day}");
            assert_eq!(set.first(), (day < 384).then_some(day.max(0) * DAY));
            assert_eq!(set.nth(0), set.first());
        }
    }
}
