//! The listener: HTTP/1.1 by actix-web. It is put together here from the parts that actix-web itself is made of, for one reason: a
//! WebSocket's stream is taken out of HTTP and written to by us.

use crate::app::App;
use crate::{api, ws};
use actix_codec::Framed;
use actix_http::body::BoxBody;
use actix_http::{Extensions, HttpService, Request, Response, h1};
use actix_server::{Server, ServerBuilder};
use actix_service::{Service, ServiceFactory, ServiceFactoryExt, fn_factory, fn_service, map_config};
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::rt::net::TcpStream;
use actix_web::{App as Web, web};
use fitconnect_protocol::limits::{LISTEN_BACKLOG, SO_SNDBUF};
use socket2::{Domain, SockRef, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::rc::Rc;
use std::time::Duration;

/// A client that does not read the end of an answer is waited for so long.
const DISCONNECT: Duration = Duration::from_secs(1);
/// Requests that are under way when the server stops have so long to end, in seconds.
const SHUTDOWN_S: u64 = 2;

/// Listens at all addresses of `listen` (`host:port`; port 0 is any that is free). The first of them, and the server.
///
/// # Errors
/// An address that is not one, is taken, or is not ours to take.
pub fn listen(app: web::Data<App>, listen: impl ToSocketAddrs) -> io::Result<(SocketAddr, Server)> {
    let listeners = bind(listen)?;
    let addr = listeners[0].local_addr()?;
    let mut builder = ServerBuilder::new().workers(app.config.workers).disable_signals().shutdown_timeout(SHUTDOWN_S);
    for listener in listeners {
        let (app, going) = (app.clone(), builder.graceful_shutdown_signal());
        let service = move || {
            let going = going.clone();
            let going = move || {
                let going = going.clone();
                async move { going.notified().await }
            };
            HttpService::build()
                .graceful_shutdown_signal(going)
                .client_disconnect_timeout(DISCONNECT)
                .on_connect_ext(on_connect)
                .upgrade(upgrades(app.clone()))
                .h1(pages(app.clone()).map_err(|error| error.error_response()))
                .tcp()
        };
        builder = builder.listen("http", listener, service)?;
    }
    Ok((addr, builder.run()))
}

/// One listener at least: `localhost` may be two addresses, of which the machine has one.
fn bind(listen: impl ToSocketAddrs) -> io::Result<Vec<TcpListener>> {
    let (bound, failed): (Vec<_>, Vec<_>) = listen.to_socket_addrs()?.map(bind_one).partition(Result::is_ok);
    if bound.is_empty() {
        let failed = failed.into_iter().find_map(Result::err);
        return Err(failed.unwrap_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no address")));
    }
    bound.into_iter().collect()
}

fn bind_one(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(LISTEN_BACKLOG as i32)?;
    Ok(socket.into())
}

fn on_connect(stream: &TcpStream, _: &mut Extensions) {
    let socket = SockRef::from(stream);
    // Without this, loopback swallows megabytes before a stalled reader is felt.
    let _ = socket.set_send_buffer_size(SO_SNDBUF);
    let _ = socket.set_tcp_nodelay(true);
}

/// All routes, as actix-web serves them.
fn pages(
    app: web::Data<App>,
) -> impl ServiceFactory<Request, Config = (), Response = ServiceResponse<BoxBody>, Error = actix_web::Error, InitError = ()>
{
    let web = Web::new().app_data(app).configure(api::configure);
    // It is for addresses that are made from routes' names, and we make none.
    map_config(web, |()| AppConfig::default())
}

/// The same routes for a request that would leave HTTP, with the stream that it came on.
fn upgrades(
    app: web::Data<App>,
) -> impl ServiceFactory<
    (Request, Framed<TcpStream, h1::Codec>),
    Config = (),
    Response = (),
    Error = actix_web::Error,
    InitError = (),
> {
    fn_factory(move || {
        let app = app.clone();
        async move {
            let pages = Rc::new(pages(app.clone()).new_service(()).await?);
            Ok(fn_service(move |(request, framed): (Request, Framed<TcpStream, h1::Codec>)| {
                let (app, pages) = (app.clone(), pages.clone());
                async move {
                    ws::upgradable(&request);
                    let answer: Response<BoxBody> = match pages.call(request).await {
                        Ok(answer) => answer.into(),
                        Err(error) => error.error_response().into(),
                    };
                    ws::upgrade(app, answer, framed).await
                }
            }))
        }
    })
}
