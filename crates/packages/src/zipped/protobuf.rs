//! Messages of Protocol Buffers (protobuf.dev, "Encoding"), field by field and without a schema.

#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a>(pub(super) &'a [u8]);

#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    Number(u64),
    /// A text, bytes or a message.
    Bytes(&'a [u8]),
}

impl<'a> Message<'a> {
    /// Number and value of each field in order, up to the first that is not well formed.
    pub(super) fn fields(self) -> impl Iterator<Item = (u64, Field<'a>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let key = varint(&mut rest)?;
            let field = match key & 7 {
                0 => Field::Number(varint(&mut rest)?),
                1 => Field::Bytes(take(&mut rest, 8)?),
                2 => {
                    let length = varint(&mut rest)?;
                    Field::Bytes(take(&mut rest, usize::try_from(length).ok()?)?)
                }
                5 => Field::Bytes(take(&mut rest, 4)?),
                _ => return None,
            };
            Some((key >> 3, field))
        })
    }

    /// Each message in a repeated field.
    pub(super) fn messages(self, number: u64) -> impl Iterator<Item = Message<'a>> {
        self.fields().filter_map(move |field| match field {
            (own, Field::Bytes(bytes)) if own == number => Some(Message(bytes)),
            _ => None,
        })
    }

    pub(super) fn message(self, number: u64) -> Option<Message<'a>> {
        self.messages(number).next()
    }

    pub(super) fn text(self, number: u64) -> Option<&'a str> {
        let message = self.message(number)?;
        std::str::from_utf8(message.0)
            .ok()
            .filter(|text| !text.is_empty())
    }

    pub(super) fn number(self, number: u64) -> Option<u64> {
        self.fields().find_map(|field| match field {
            (own, Field::Number(value)) if own == number => Some(value),
            _ => None,
        })
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Field, Message};

    #[test]
    fn fields_are_read_in_order_up_to_the_first_that_is_damaged() {
        let bytes = [
            0x08, 0x96, 0x01, 0x12, 2, b'a', b'b', 0x1d, 1, 2, 3, 4, 0x12, 1, b'c', 0x12, 9, b'd',
        ];
        let message = Message(&bytes);
        assert_eq!(message.number(1), Some(150));
        assert_eq!(message.text(2), Some("ab"));
        assert_eq!(message.messages(2).count(), 2);
        assert_eq!(message.fields().count(), 4);
        assert!(matches!(
            message.fields().nth(2),
            Some((3, Field::Bytes(_)))
        ));
        for bad in [
            &[0xff; 12][..],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f],
            &[0x0b],
        ] {
            assert_eq!(Message(bad).fields().count(), 0);
        }
    }
}
