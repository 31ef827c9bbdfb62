//! One run of the program: what was asked for everywhere, the output, and the daemon once it is needed.

use assist_proto::api::{Done, Method};
use assist_proto::client::{Client, Home};

use crate::args::Globals;
use crate::connection::{StartPolicy, connect};
use crate::error::CliError;
use crate::output::{Format, Output, Talk};

/// What every command works with.
pub(crate) struct Invocation {
    /// As named with `-P`.
    pub(crate) project: Option<String>,
    /// The daemon's folder.
    pub(crate) home: Home,
    /// Where to write to.
    pub(crate) output: Output,
    start: StartPolicy,
    client: Option<Client>,
}

impl Invocation {
    /// Begins with the streams of this process.
    pub(crate) fn of_process(globals: &Globals) -> Result<Self, CliError> {
        let output = Output::of_process(format(globals), talk(globals));
        Self::new(globals, output)
    }

    /// Begins with any output.
    pub(crate) fn new(globals: &Globals, output: Output) -> Result<Self, CliError> {
        let home = Home::locate(globals.home.clone())?;
        let start = if globals.no_start { StartPolicy::Never } else { StartPolicy::IfNeeded };
        Ok(Self { project: globals.project.clone(), home, output, start, client: None })
    }

    /// Fails from now on rather than start the daemon.
    pub(crate) const fn forbid_start(&mut self) {
        self.start = StartPolicy::Never;
    }

    /// Calls a method, connecting first if need be.
    pub(crate) fn call<M: Method>(&mut self, params: &M) -> Result<M::Result, CliError> {
        Ok(self.client()?.call(params)?)
    }

    /// Calls a method that has nothing to tell but that it is done, and says so.
    pub(crate) fn carry_out<M: Method<Result = Done>>(
        &mut self,
        params: &M,
        said: &str,
    ) -> Result<(), CliError> {
        self.output.check_fields::<Done>()?;
        let done = self.call(params)?;
        self.output.say(said);
        self.output.document(&done, |_, _| Vec::new())
    }

    /// Returns the connection, made on first use.
    pub(crate) fn client(&mut self) -> Result<&mut Client, CliError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => connect(&self.home, self.start, &mut self.output)?,
        };
        Ok(self.client.insert(client))
    }
}

/// Returns the form of output that was asked for.
pub(crate) fn format(globals: &Globals) -> Option<Format> {
    let json = globals.json.clone().map(Format::Json);
    json.or_else(|| globals.jsonl.clone().map(Format::JsonLines))
}

/// Returns how much is to be said.
pub(crate) const fn talk(globals: &Globals) -> Talk {
    if globals.quiet { Talk::Quiet } else { Talk::Usual }
}
