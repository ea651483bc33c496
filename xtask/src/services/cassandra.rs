//! Apache Cassandra 5.0, one node: a `cassandra` on the path, or its own jars from Maven on a Java 17 (11 does too).

use super::install::{self, Way};
use super::launch::{self, Launch, free_port, new_folder};
use crate::{Result, run};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version in `cassandra-pom.xml`: the folder of its jars is named by it.
const VERSION: &str = "5.0.8";
const POM: &str = include_str!("cassandra-pom.xml");
const HEAP: &str = "1g";

pub fn found() -> Result<Option<Launch>> {
    let installed = launch::find("cassandra", &["/usr/sbin".into()]);
    let from_maven = lib()?;
    let (program, mut args, env) = match (installed, java()) {
        (Some(program), _) => (program, vec!["-f".to_owned(), "-R".into()], heap_of_script()),
        (None, Some(java)) if from_maven.is_dir() => (java, jvm(&from_maven)?, Vec::new()),
        (None, _) => return Ok(None),
    };
    let folder = new_folder("cassandra", None)?;
    let (port, storage) = (free_port()?, free_port()?);
    fs::create_dir_all(folder.join("conf"))?;
    fs::write(folder.join("conf/cassandra.yaml"), yaml(&folder, port, storage))?;
    fs::write(folder.join("conf/logback.xml"), LOGBACK)?;
    let file = |name: &str| format!("file://{}", folder.join("conf").join(name).display());
    args.extend([
        format!("-Dcassandra.config={}", file("cassandra.yaml")),
        format!("-Dlogback.configurationFile={}", file("logback.xml")),
        format!("-Dcassandra.storagedir={}", folder.join("data").display()),
        format!("-Dcassandra.logdir={}", folder.join("logs").display()),
        // One node waits for nobody.
        "-Dcassandra.ring_delay_ms=0".into(),
        "-Dcassandra.skip_wait_for_gossip_to_settle=0".into(),
    ]);
    if env.is_empty() {
        let classes = format!("{}:{}/*", folder.join("conf").display(), from_maven.display());
        args.extend(["-cp".into(), classes, "org.apache.cassandra.service.CassandraDaemon".into()]);
    }
    Ok(Some(Launch {
        program,
        args,
        env,
        folder,
        user: None,
        ready: "Starting listening for CQL clients".into(),
        ready_s: 180,
        address: format!("127.0.0.1:{port}"),
    }))
}

pub fn packages() -> Vec<Way> {
    vec![maven()]
}

/// For a `cassandra` that is a shell script.
fn heap_of_script() -> Vec<(String, String)> {
    vec![("MAX_HEAP_SIZE".into(), HEAP.to_uppercase()), ("HEAP_NEWSIZE".into(), "200M".into())]
}

fn lib() -> Result<PathBuf> {
    Ok(install::cache("cassandra")?.join(VERSION))
}

/// The jars, and Java and Maven first where they are missing and we may.
fn maven() -> Way {
    let apt = install::apt(&["openjdk-17-jre-headless", "maven"]);
    let needs = java().is_none() || !run::found("mvn");
    let missing = apt
        .missing
        .as_ref()
        .filter(|_| needs)
        .map(|why| format!("Java 17 or 11 and Maven are needed: {}, {why}", apt.words));
    let what = if needs { "with Java 17 and Maven from apt, " } else { "" };
    let words =
        format!("{what}mvn dependency:copy-dependencies of org.apache.cassandra:cassandra-all:{VERSION} (67 MB)");
    let get = move || {
        if needs {
            (apt.get)()?;
        }
        fetch(&lib()?)
    };
    Way { words, missing, get: Box::new(get) }
}

fn fetch(lib: &Path) -> Result<()> {
    let above = lib.parent().expect("it lies in the cache");
    fs::create_dir_all(above)?;
    let pom = above.join("pom.xml");
    fs::write(&pom, POM)?;
    // A download that broke off is not taken for a whole one.
    let part = above.join(format!("{VERSION}.{}", std::process::id()));
    let mut mvn = Command::new("mvn");
    mvn.args(["--batch-mode", "-f"]).arg(&pom);
    mvn.args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
    mvn.arg(format!("-DoutputDirectory={}", part.display()));
    run::must(&format!("Cassandra {VERSION} from Maven"), &mut mvn)?;
    match fs::rename(&part, lib) {
        // Another was faster.
        Err(_) if lib.is_dir() => Ok(fs::remove_dir_all(&part)?),
        moved => Ok(moved?),
    }
}

/// A Java that Cassandra 5.0 runs on.
fn java() -> Option<PathBuf> {
    let home = std::env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin"));
    let mut homes: Vec<_> = fs::read_dir("/usr/lib/jvm")
        .map(|homes| homes.flatten().map(|home| home.path().join("bin")).collect())
        .unwrap_or_default();
    homes.sort();
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = std::env::split_paths(&paths).collect();
    let all = home.into_iter().chain(on_path).chain(homes).map(|folder| folder.join("java"));
    all.filter(|java| java.is_file()).find(|java| matches!(java_major(java), Some(17 | 11)))
}

/// From `openjdk version "17.0.15" 2025-04-15`.
fn java_major(java: &Path) -> Option<u32> {
    let said = Command::new(java).arg("-version").output().ok()?.stderr;
    let said = String::from_utf8_lossy(&said).into_owned();
    said.split('"').nth(1)?.split('.').next()?.parse().ok()
}

/// What its own `cassandra-env.sh` and `jvm17-server.options` give Java, without JMX.
fn jvm(lib: &Path) -> Result<Vec<String>> {
    let jars = fs::read_dir(lib)?.flatten().map(|entry| entry.path());
    let is_agent = |jar: &PathBuf| jar.file_name().is_some_and(|name| name.to_string_lossy().starts_with("jamm-"));
    let agent = jars.into_iter().find(is_agent).ok_or_else(|| format!("no jamm-*.jar in {}", lib.display()))?;
    let mut args: Vec<String> = [
        &format!("-Xms{HEAP}"),
        &format!("-Xmx{HEAP}"),
        "-Xss256k",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:MaxDirectMemorySize=512m",
        &format!("-javaagent:{}", agent.display()),
        "-Djdk.attach.allowAttachSelf=true",
        "-Djava.net.preferIPv4Stack=true",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Dcassandra-foreground=yes",
    ]
    .map(str::to_owned)
    .into();
    for opened in OPENS {
        args.extend(["--add-opens".into(), format!("{opened}=ALL-UNNAMED")]);
    }
    for exported in EXPORTS {
        args.extend(["--add-exports".into(), format!("{exported}=ALL-UNNAMED")]);
    }
    Ok(args)
}

const OPENS: [&str; 15] = [
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.compiler/com.sun.tools.javac",
    "jdk.management/com.sun.management.internal",
];

const EXPORTS: [&str; 10] = [
    "java.base/java.lang.ref",
    "java.base/jdk.internal.misc",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.management/com.sun.jmx.remote.security",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.attach/sun.tools.attach",
    "jdk.compiler/com.sun.tools.javac.file",
    "jdk.unsupported/sun.misc",
];

fn yaml(folder: &Path, port: u16, storage: u16) -> String {
    let data = folder.join("data");
    let data = data.display();
    format!(
        "cluster_name: fitconnect-test
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
num_tokens: 1
storage_port: {storage}
native_transport_port: {port}
start_native_transport: true
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [ {{ seeds: \"127.0.0.1:{storage}\" }} ]
data_file_directories: [ {data}/data ]
commitlog_directory: {data}/commitlog
saved_caches_directory: {data}/saved_caches
hints_directory: {data}/hints
cdc_raw_directory: {data}/cdc_raw
commitlog_sync: periodic
commitlog_sync_period: 10s
auto_snapshot: false
disk_access_mode: standard
"
    )
}

const LOGBACK: &str = r#"<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %d %F:%L %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="out"/></root>
</configuration>
"#;
