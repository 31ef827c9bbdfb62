//! What the daemon gives the API server: one typed handler for each method.

use assist_proto::api::{ApiError, Method, openrpc, rpc};
use assist_proto::for_each_method;

/// Answers one method. A type that answers them all is a [`Backend`]; the impls may stand in any module.
///
/// A read-only call is dropped at its next await when its client goes away or its time is up; any other runs to
/// its end whatever the client does, so that nothing is left half done.
pub trait Handle<M: Method>: Send + Sync + 'static {
    /// Answers a call whose parameters were read, but not checked beyond their types.
    fn handle(&self, params: M) -> impl Future<Output = Result<M::Result, ApiError>> + Send;
}

macro_rules! define_backend {
    ($($name:literal $access:ident $params:ty => $result:ty: $summary:literal;)+) => {
        /// Answers every method of the table: forgetting one does not compile.
        pub trait Backend: $(Handle<$params> +)+ {}

        impl<T: $(Handle<$params> +)+> Backend for T {}
    };
}

for_each_method!(define_backend);

/// The table describes itself: no backend needs to.
impl<T: Send + Sync + 'static> Handle<rpc::Discover> for T {
    async fn handle(&self, _params: rpc::Discover) -> Result<rpc::OpenRpcDocument, ApiError> {
        Ok(rpc::OpenRpcDocument(openrpc::document()))
    }
}
