//! `Res_value`: what an attribute or a resource is.

use super::strings::StringPool;

/// Width and height of a layer of an adaptive icon, in units that do not depend on density.
const LAYER: u32 = 108;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Number(u32),
    /// Alpha, red, green, blue.
    Color(u32),
    /// The id of a resource.
    Reference(u32),
    /// A part of the whole, in ten-thousandths: a fraction, or a length of a layer.
    Share(u32),
}

impl Value {
    /// Reads a type and its data; `strings` are those that the data may be an index of.
    pub(super) fn read(kind: u8, data: u32, strings: &StringPool<'_>) -> Option<Self> {
        match kind {
            0x01 | 0x07 => Some(Self::Reference(data)),
            0x03 => strings.get(data).map(Self::Text),
            0x05 => Some(Self::Share(complex(data) / LAYER)),
            0x06 => Some(Self::Share(complex(data))),
            0x10..=0x1b => Some(Self::Number(data)),
            0x1c..=0x1f => Some(Self::Color(data)),
            _ => None,
        }
    }

    pub(super) fn number(self) -> Option<u32> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// True as Android has it: any number but 0.
    pub(super) fn is_true(&self) -> bool {
        matches!(self, Self::Number(number) if *number != 0)
    }
}

/// A number of 24 bits with its point at one of four places, in ten-thousandths; 0 where it is negative.
fn complex(data: u32) -> u32 {
    let behind = [0, 7, 15, 23][(data >> 4 & 3) as usize];
    let negative = data & 0x8000_0000 != 0;
    let parts = (u64::from(data >> 8) * 10_000) >> behind;
    if negative {
        return 0;
    }
    u32::try_from(parts).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::complex;

    #[test]
    fn numbers_with_a_point_are_read_as_android_reads_them() {
        // As `aapt` writes 16.7%, 18dp and -1.
        assert_eq!(complex(0x1560_4130), 1669);
        assert_eq!(complex(0x0000_1201), 180_000);
        assert_eq!(complex(0xffff_ff01), 0);
    }
}
