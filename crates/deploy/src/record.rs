//! The owner's inventory, kept in the service while a deployment goes on.

use crate::caller::{Caller, Failure};
use crate::inventory::{Inventory, head, properties};
use crate::service::Service;
use serde_json::{Value as Json, json};

/// The inventory in the service.
#[derive(Debug)]
pub(crate) struct Record<'a, S> {
    caller: Caller<'a, S>,
    owner: &'a str,
    /// Its generation, and the ETag of its head; none when there is no head.
    generation: Option<String>,
    etag: Option<String>,
    /// Parts that are of no use.
    old: Vec<String>,
    /// How many parts the generation has.
    parts: Vec<String>,
}

impl<'a, S: Service> Record<'a, S> {
    /// Opens the inventory that a plan was made with.
    ///
    /// # Errors
    /// When somebody else wrote it since.
    pub(crate) async fn open(
        caller: Caller<'a, S>,
        owner: &'a str,
        generation: Option<&str>,
        before: &Inventory,
        damaged: bool,
        leftovers: &[String],
    ) -> Result<Self, Failure> {
        let mut record = Self {
            caller,
            owner,
            generation: generation.map(str::to_owned),
            etag: None,
            old: leftovers.to_vec(),
            parts: Vec::new(),
        };
        if generation.is_some() {
            let (_, values) = before.write(owner);
            let parts = values.into_iter().map(|(name, _)| name);
            record.parts = parts.filter(|name| *name != head(owner)).collect();
        }
        let answer = caller.get(&path(&head(owner)), &[]).await?;
        let now = answer.as_ref().and_then(|answer| said(&answer.body));
        if !damaged && now.as_deref() != generation {
            return Err(record.taken());
        }
        record.etag = answer.and_then(|answer| answer.etag);
        Ok(record)
    }

    fn taken(&self) -> Failure {
        Failure {
            attempted: format!("write the inventory of `{}` in the service", self.owner),
            status: Some(412),
            code: String::new(),
            message: "another deployment of this owner wrote it since this one began: let that \
                      one end, and run this one again"
                .to_owned(),
            in_doubt: false,
        }
    }

    /// Writes what is about to be deployed, also when that is written there already: another
    /// deployment that still goes on learns of this one by the head's ETag.
    pub(crate) async fn begin(&mut self, inventory: &Inventory) -> Result<(), Failure> {
        self.put(inventory).await
    }

    /// Writes what was deployed.
    pub(crate) async fn write(&mut self, inventory: &Inventory) -> Result<(), Failure> {
        let (generation, _) = inventory.write(self.owner);
        match self.generation == Some(generation) {
            true => self.tidy().await,
            false => self.put(inventory).await,
        }
    }

    /// Parts first, then the head.
    async fn put(&mut self, inventory: &Inventory) -> Result<(), Failure> {
        let (generation, mut values) = inventory.write(self.owner);
        let Some((head, value)) = values.pop() else {
            return Ok(());
        };
        for (name, value) in &values {
            let body = json!({"properties": properties(name, value)});
            self.caller.put(&path(name), None, Some(body)).await?;
        }
        let body = json!({"properties": properties(&head, &value)});
        let at = path(&head);
        let written = self.caller.put(&at, self.etag.as_deref(), Some(body)).await;
        match written {
            // It was not there: whoever made it since is another deployment.
            Ok(written)
                if self.etag.is_none()
                    && self.generation.is_none()
                    && written.answer.status == 200
                    && !written.in_doubt
                    && !written.followed =>
            {
                return Err(self.taken());
            }
            Ok(_) => {}
            // An attempt that got no answer may have been the one.
            Err(failure) if failure.is_stale() => {
                let now = self.caller.get(&at, &[]).await?;
                let now = now.and_then(|answer| said(&answer.body));
                if now.as_deref() != Some(generation.as_str()) {
                    return Err(self.taken());
                }
            }
            Err(failure) => return Err(failure),
        }
        let now = self.caller.get(&at, &[]).await?;
        if now
            .as_ref()
            .and_then(|answer| said(&answer.body))
            .as_deref()
            != Some(generation.as_str())
        {
            return Err(self.taken());
        }
        self.etag = now.and_then(|answer| answer.etag);
        self.generation = Some(generation);
        self.old.append(&mut self.parts);
        self.parts = values.into_iter().map(|(name, _)| name).collect();
        self.tidy().await
    }

    /// Removes the inventory: nothing of this owner is left.
    pub(crate) async fn remove(&mut self) -> Result<(), Failure> {
        let any = self.etag.as_deref().unwrap_or("*");
        let at = path(&head(self.owner));
        match self.caller.delete(&at, &[], Some(any)).await {
            Err(failure) if failure.is_stale() => return Err(self.taken()),
            done => done.map(|_| ())?,
        }
        self.old.append(&mut self.parts);
        self.tidy().await
    }

    /// Removes parts of generations that no head names.
    async fn tidy(&mut self) -> Result<(), Failure> {
        while let Some(name) = self.old.pop() {
            if !self.parts.contains(&name) {
                self.caller.delete(&path(&name), &[], Some("*")).await?;
            }
        }
        Ok(())
    }
}

fn path(name: &str) -> String {
    format!("namedValues/{name}")
}

/// The generation that a head names.
fn said(body: &Json) -> Option<String> {
    let value = body["properties"]["value"].as_str()?;
    let head: Json = serde_json::from_str(value).ok()?;
    head["generation"].as_str().map(str::to_owned)
}
