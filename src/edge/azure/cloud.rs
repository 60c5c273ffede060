//! The clouds of Azure.

/// A cloud: its own Resource Manager, its own Entra ID.
///
/// Source: `az cloud list`, and the endpoints of the Azure SDKs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloud {
    /// Azure.
    #[default]
    Public,
    /// Azure Government of the United States.
    UsGovernment,
    /// Azure operated by 21Vianet, in China.
    China,
}

impl Cloud {
    /// Where its Resource Manager is.
    pub fn resource_manager(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGovernment => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// What tokens for its Resource Manager are for.
    pub fn audience(self) -> &'static str {
        self.resource_manager()
    }

    /// Where its identities get tokens.
    pub fn authority(self) -> &'static str {
        match self {
            Self::Public => "https://login.microsoftonline.com/",
            Self::UsGovernment => "https://login.microsoftonline.us/",
            Self::China => "https://login.chinacloudapi.cn/",
        }
    }

    /// The end of the names of its registries.
    pub fn registries(self) -> &'static str {
        match self {
            Self::Public => ".azurecr.io",
            Self::UsGovernment => ".azurecr.us",
            Self::China => ".azurecr.cn",
        }
    }
}
