//! An owner who deploys bundles, one after the other.

use crate::bundles::{Bundle, Given, asked};
use crate::folder::Folder;
use crate::simulated::Simulated;
use flux_apim_deploy::permission::{Missing, Needed};
use flux_apim_deploy::{
    Asked, Engine, Error, Failure, NotBegun, Outcome, Plan, Resources, State, Texts,
};

/// What can be deployed.
pub trait Deployable: Texts + Sized {
    /// Hands over what it deploys.
    ///
    /// # Panics
    /// When it does not hang together.
    fn resources<T>(&self, with: impl FnOnce(&Resources) -> T) -> T;
}

impl Deployable for Bundle {
    #[expect(clippy::expect_used, reason = "bundles of tests hang together")]
    fn resources<T>(&self, with: impl FnOnce(&Resources) -> T) -> T {
        with(&self.parsed().expect("a bundle"))
    }
}

impl Deployable for Folder {
    fn resources<T>(&self, with: impl FnOnce(&Resources) -> T) -> T {
        with(&self.resources)
    }
}

/// What a run of the engine came to.
pub type Deployed = Result<(Plan, Result<Outcome, NotBegun>), Error>;

/// An owner, with what is kept from one deployment to the next.
#[derive(Debug, Clone)]
pub struct Owner {
    /// What is asked for.
    pub asked: Asked,
    /// Answers of the service to what was written; none when none are kept.
    pub state: Option<State>,
}

impl Owner {
    /// One who has not deployed yet.
    pub fn new(service: &Simulated) -> Self {
        let asked = asked();
        Self {
            state: Some(State::new(&service.service(), &asked.owner)),
            asked,
        }
    }

    fn run<T>(
        &self,
        service: &Simulated,
        bundle: &impl Deployable,
        run: impl AsyncFnOnce(Engine<'_, Simulated>) -> T,
    ) -> T {
        let id = service.service();
        bundle.resources(|resources| {
            let engine = Engine {
                service,
                service_id: &id,
                resources,
                texts: bundle,
                secrets: &Given,
                asked: &self.asked,
                state: self.state.as_ref(),
            };
            service.block_on(run(engine))
        })
    }

    /// Plans.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn plan(&self, service: &Simulated, bundle: &impl Deployable) -> Result<Plan, Error> {
        self.run(service, bundle, async |engine| engine.plan().await)
    }

    /// What the caller lacks.
    ///
    /// # Errors
    /// When the service does not say.
    pub fn lacks(
        &self,
        service: &Simulated,
        bundle: &impl Deployable,
        needed: &Needed,
    ) -> Result<Vec<Missing>, Failure> {
        self.run(service, bundle, async |engine| {
            engine.lacks(needed, None).await
        })
    }

    /// Applies two plans at once; says which were done whole.
    pub fn together(
        &self,
        service: &Simulated,
        bundle: &impl Deployable,
        plans: &[Plan; 2],
    ) -> [bool; 2] {
        self.run(service, bundle, async |engine| {
            let (one, two) =
                futures_util::future::join(engine.apply(&plans[0]), engine.apply(&plans[1])).await;
            [one, two].map(|outcome| outcome.is_ok_and(|outcome| outcome.is_whole()))
        })
    }

    /// Plans and applies; the state is kept, as whoever runs it does.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn deploy(&mut self, service: &Simulated, bundle: &impl Deployable) -> Deployed {
        let done = self.run(service, bundle, async |engine| {
            let plan = engine.plan().await?;
            let outcome = engine.apply(&plan).await;
            Ok::<_, Error>((plan, outcome))
        })?;
        if let Ok(outcome) = &done.1
            && outcome.state.is_some()
        {
            self.state.clone_from(&outcome.state);
        }
        Ok(done)
    }
}

/// Whether all of it was done, and learnt.
pub fn is_whole(deployed: &Deployed) -> bool {
    match deployed {
        Ok((_, Ok(outcome))) => outcome.is_whole() && outcome.unlearnt.is_none(),
        _ => false,
    }
}

/// What it came to, in words.
pub fn told(deployed: &Deployed) -> String {
    match deployed {
        Ok((plan, Ok(outcome))) => format!(
            "{}{}{:?}",
            plan.to_human(),
            outcome.to_human(),
            outcome.unlearnt
        ),
        Ok((plan, Err(error))) => format!("{}{error}", plan.to_human()),
        Err(error) => error.to_string(),
    }
}
