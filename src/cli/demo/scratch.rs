//! Everything that the demo plays with: a directory, a database in it, three servers, and who is registered.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;

use super::client::{Client, Credentials};
use super::client_page::ClientPage;
use super::http_client::HttpClient;
use super::resource_server::ResourceServer;
use crate::authorization_server::{AuthorizationServer, ClientRegistration, SecretOrigin};
use crate::cli::context::authorization_server;
use crate::cli::hosted::{Hosted, bind};
use crate::cli::scratch_directory::{Purpose, ScratchDirectory};
use crate::cli::{listening, serve};
use crate::config::Settings;
use crate::domain::client::{ClientSettings, RefreshPolicy};
use crate::domain::consent::ConsentPolicy;
use crate::domain::coverage::Coverage;
use crate::domain::issuer::Issuer;
use crate::domain::password::Password;
use crate::domain::scope::{Scope, ScopeSet};
use crate::entropy::OsEntropy;
use crate::http::app::App;
use crate::store::{Store, StoreOptions};

pub(super) const OWNER: &str = "alice";
pub(super) const CLIENT_NAME: &str = "Orders Web";
/// The scope that the resource owner leaves ticked.
pub(super) const ORDERS: &str = "orders:read";
/// The scope that the resource owner unticks.
pub(super) const STOCK: &str = "stock:read";

/// The scratch directory and what runs on it. Dropping it stops the servers and then removes the directory.
pub(super) struct Scratch {
    // Fields are dropped in this order.
    hosts: Vec<Hosted>,
    pub(super) client_page: Arc<ClientPage>,
    pub(super) services: Arc<ResourceServer>,
    pub(super) client: Arc<Client>,
    pub(super) resource_server: Credentials,
    /// Where the resource server listens.
    pub(super) services_address: SocketAddr,
    /// Where the client listens.
    pub(super) client_address: SocketAddr,
    pub(super) password: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) database: PathBuf,
    directory: ScratchDirectory,
}

impl Scratch {
    /// Registers everything, and starts the servers.
    pub(super) fn set_up() -> Result<Self> {
        let directory = ScratchDirectory::new(Purpose::Demo)?;
        let mut settings = Settings::default();
        settings.database.path = directory.path().join("oauthctl.db");

        let (listener, address) = bind(listening::limits(&settings))?;
        let issuer = settings.issuer_at(address)?;
        let server = Arc::new(open(&settings, issuer.clone())?);
        let (client_listener, client_address) = bind(listening::limits(&settings))?;
        let (services_listener, services_address) = bind(listening::limits(&settings))?;

        let http = HttpClient::new();
        let scopes = define_scopes(&server)?;
        let redirect_uri = format!("http://{client_address}/cb");
        let credentials = register_client(&server, &settings, &redirect_uri, &scopes)?;
        let resource_server = server
            .register_resource_server("Warehouse".parse()?, None)?
            .into();
        let password = add_owner(&server)?;
        let client = Arc::new(Client {
            name: CLIENT_NAME.to_owned(),
            credentials,
            redirect_uri,
            scope: format!("{ORDERS} {STOCK}"),
            issuer: issuer.clone(),
            http: http.clone(),
        });

        let app: Arc<App> = Arc::new(serve::app(&settings, server, address));
        let client_page = Arc::new(ClientPage::new(Arc::clone(&client), client_address.port()));
        let services = Arc::new(ResourceServer::new(http, issuer));
        let hosts = vec![
            Hosted::start(listener, app)?,
            Hosted::start(client_listener, Arc::clone(&client_page) as _)?,
            Hosted::start(services_listener, Arc::clone(&services) as _)?,
        ];
        Ok(Self {
            hosts,
            client_page,
            services,
            client,
            resource_server,
            services_address,
            client_address,
            password,
            scopes,
            database: settings.database.path,
            directory,
        })
    }

    /// Stops the servers and removes the directory.
    pub(super) fn remove(self) -> std::io::Result<()> {
        drop(self.hosts);
        self.directory.close()
    }
}

fn open(settings: &Settings, issuer: Issuer) -> Result<AuthorizationServer> {
    let store = Store::open(StoreOptions {
        path: settings.database.path.clone(),
        busy_timeout: settings.database.busy_timeout.duration(),
        readers: settings.database.readers,
        waiting_writes: 256,
    })?;
    Ok(authorization_server(store, issuer, settings))
}

fn define_scopes(server: &AuthorizationServer) -> Result<Vec<Scope>> {
    let orders = Coverage {
        folders: ["orders".parse()?].into(),
        routes: ["GET /orders/{number}".parse()?].into(),
        ..Coverage::default()
    };
    let stock = Coverage {
        services: ["warehouse.stock:count".parse()?].into(),
        ..Coverage::default()
    };
    Ok(vec![
        server.define_scope(ORDERS.parse()?, "See your orders".parse()?, orders)?,
        server.define_scope(STOCK.parse()?, "See what is in stock".parse()?, stock)?,
    ])
}

fn register_client(
    server: &AuthorizationServer,
    settings: &Settings,
    redirect_uri: &str,
    scopes: &[Scope],
) -> Result<Credentials> {
    let tokens = &settings.tokens;
    let registration = ClientRegistration {
        id: None,
        settings: ClientSettings {
            name: CLIENT_NAME.parse()?,
            description: "The order desk of this demo.".parse()?,
            redirect_uris: vec![redirect_uri.parse()?],
            scopes: scopes
                .iter()
                .map(|scope| scope.token.clone())
                .collect::<ScopeSet>(),
            access_token_lifetime: tokens.access_token_lifetime.duration(),
            code_lifetime: tokens.code_lifetime.duration(),
            refresh: RefreshPolicy::Unlimited,
            refresh_token_lifetime: tokens.refresh_token_lifetime.duration(),
            refresh_token_idle: tokens.refresh_token_idle.duration(),
            require_pkce: true,
            consent: ConsentPolicy::Always,
        },
        secret: SecretOrigin::Generate,
        if_not_exists: false,
    };
    let registered = server.register_client(registration)?;
    let secret = registered.secret;
    Ok(Credentials {
        id: registered.client.id,
        secret: anyhow::Context::context(secret, "the client was registered without a secret")?,
    })
}

/// Adds the resource owner, and gives the password.
fn add_owner(server: &AuthorizationServer) -> Result<String> {
    let password = Password::generate(&OsEntropy)?;
    server.add_owner(OWNER.parse()?, &password)?;
    Ok(password.reveal().to_owned())
}
