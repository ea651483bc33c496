//! How to get hold of somebody else's connection: by its number and the kernel's cookie of its socket. A second handle would be
//! surer and simpler, but it costs one more file of the process's limit for each of ten thousand sockets; it is what remains
//! where a process may not look up its own files (before Linux 5.6, other systems, some sandboxes).

use socket2::SockRef;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

#[derive(Clone)]
pub struct Conn(Hold);

#[derive(Clone)]
enum Hold {
    #[cfg(target_os = "linux")]
    Number(number::Number),
    Handle(Arc<OwnedFd>),
}

impl Conn {
    pub fn of(stream: &impl AsFd) -> io::Result<Conn> {
        #[cfg(target_os = "linux")]
        if let Some(number) = number::Number::of(stream) {
            return Ok(Conn(Hold::Number(number)));
        }
        Ok(Conn(Hold::Handle(Arc::new(stream.as_fd().try_clone_to_owned()?))))
    }

    /// Ends it in both directions. Nothing happens where it is closed already.
    pub fn shut(&self) {
        // A connection that the peer has ended meanwhile is as good as shut.
        let shut = |fd: &OwnedFd| drop(SockRef::from(fd).shutdown(Shutdown::Both));
        match &self.0 {
            #[cfg(target_os = "linux")]
            Hold::Number(number) => drop(number.find().map(|fd| shut(&fd))),
            Hold::Handle(fd) => shut(fd),
        }
    }
}

#[cfg(target_os = "linux")]
mod number {
    use rustix::net::sockopt::socket_cookie;
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
    use std::sync::OnceLock;

    /// A file number may be given again at any moment; a cookie never.
    #[derive(Clone, Copy)]
    pub struct Number {
        fd: RawFd,
        cookie: u64,
    }

    impl Number {
        pub fn of(stream: &impl AsFd) -> Option<Number> {
            ourselves()?;
            let cookie = socket_cookie(stream).ok()?;
            Some(Number { fd: stream.as_fd().as_raw_fd(), cookie })
        }

        /// A handle of the connection, if it is still the same.
        pub fn find(&self) -> Option<OwnedFd> {
            let found = pidfd_getfd(ourselves()?, self.fd, PidfdGetfdFlags::empty()).ok()?;
            (socket_cookie(&found).ok()? == self.cookie).then_some(found)
        }
    }

    /// This process as a file; `None` where it may not look up its own files by number.
    fn ourselves() -> Option<&'static OwnedFd> {
        static OURSELVES: OnceLock<Option<OwnedFd>> = OnceLock::new();
        let open = || {
            let own = pidfd_open(getpid(), PidfdFlags::empty()).ok()?;
            pidfd_getfd(&own, own.as_raw_fd(), PidfdGetfdFlags::empty()).ok()?;
            Some(own)
        };
        OURSELVES.get_or_init(open).as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let ours = TcpStream::connect(listener.local_addr().expect("bound")).expect("connects");
        (ours, listener.accept().expect("dialled").0)
    }

    #[test]
    fn a_connection_is_shut_from_outside() {
        let (ours, mut theirs) = pair();
        Conn::of(&ours).expect("a connection").shut();
        assert_eq!(theirs.read(&mut [0]).expect("an orderly end"), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_connection_that_got_the_number_of_another_is_not_taken_for_it() {
        let (left, mut right) = pair();
        let Some(gone) = number::Number::of(&left) else {
            return eprintln!("skipped: this process may not look up its own files");
        };
        assert!(gone.find().is_some());
        drop(left);
        assert_eq!(right.read(&mut [0]).expect("its owner closed it"), 0);
        // Numbers are given lowest first: one of these has it, unless another test was faster.
        let _next = [pair(), pair()];
        assert!(gone.find().is_none());
    }
}
