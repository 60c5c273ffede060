//! Variables that are read: whether something set them, and as what.

use super::Thing;
use super::state::{Known, State};
use crate::facts::Read;
use crate::rules::{cache_half, unset_variable, variable_spelling, variable_type};
use flux_apim_csharp::cast_fails;
use flux_apim_diag::{Findings, Meter, Place, Span, nearest};

/// What a document wants and what is around it does not bring.
pub(super) struct Wanted<'f> {
    pub(super) thing: Thing<'f>,
    place: Span,
    why: Why<'f>,
}

enum Why<'f> {
    /// A variable is read at `read`; `near` may have been meant.
    Read { read: Span, near: Option<&'f str> },
    /// A cache has one half only.
    Half {
        half: &'static str,
        other: &'static str,
    },
}

impl<'f> Wanted<'f> {
    pub(super) fn half(
        place: Span,
        half: &'static str,
        other: &'static str,
        thing: Thing<'f>,
    ) -> Self {
        let why = Why::Half { half, other };
        Self { thing, place, why }
    }

    pub(super) fn report(&self, findings: &mut Findings) {
        let finding = match (&self.why, self.thing) {
            (Why::Read { read, near }, Thing::Variable(name)) => {
                unset_variable::found(self.place, name, *near, *read)
            }
            (Why::Half { half, other }, _) => cache_half::found(self.place, half, other),
            (Why::Read { .. }, Thing::Policy(_)) => return,
        };
        findings.push(finding);
    }
}

/// A variable is read at `span`: where nothing sets it, that may be wanted of others.
/// `place` is where the document says so.
pub(super) fn read<'f>(
    read: &'f Read,
    span: Span,
    place: Span,
    state: &State<'f, '_>,
    meter: &Meter,
    findings: &mut Findings,
) -> Option<Wanted<'f>> {
    let name = &*read.name;
    match state.variable(name, meter) {
        Known::Set(Some(held)) => {
            if let Some(wanted) = read.ty.as_deref().filter(|wanted| cast_fails(held, wanted)) {
                findings.push(variable_type::found(place, name, held, wanted, span));
            }
            None
        }
        Known::Set(None) | Known::Perhaps => None,
        Known::Unset => {
            let near = findings.hint(|| near(name, state, meter));
            match near {
                Some((near, true)) => {
                    findings.push(variable_spelling::found(place, name, near, span));
                    None
                }
                _ if read.optional => None,
                near => Some(Wanted {
                    thing: Thing::Variable(name),
                    place,
                    why: Why::Read {
                        read: span,
                        near: near.map(|(near, _)| near),
                    },
                }),
            }
        }
    }
}

/// A variable that may have been meant, and whether it is the same but for case and
/// separators.
fn near<'f>(name: &str, state: &State<'f, '_>, meter: &Meter) -> Option<(&'f str, bool)> {
    let names = || state.all().flat_map(|summary| summary.variables.keys());
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|c| c.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let own = plain(name);
    meter.spend(names().count() as u64, Place::Source);
    if let Some(same) = names().find(|known| plain(known) == own) {
        return Some((same, true));
    }
    nearest(name, names()).map(|near| (near, false))
}
