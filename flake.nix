{
  description = "Compiler between Git and Azure API Management";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "x86_64-darwin" "aarch64-darwin" ];
      each = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      cargo = builtins.fromTOML (builtins.readFile ./Cargo.toml);
    in
    {
      packages = each (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "flux-apim";
          version = cargo.workspace.package.version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [ "--bin" "flux-apim" ];
          # The tests use the network's tools and trees beside the source: `make test`.
          doCheck = false;
          nativeBuildInputs = [ pkgs.installShellFiles ];
          env.FLUX_APIM_COMMIT = self.rev or "";
          postInstall = ''
            installShellCompletion --cmd flux-apim \
              --bash <($out/bin/flux-apim completions bash) \
              --zsh <($out/bin/flux-apim completions zsh) \
              --fish <($out/bin/flux-apim completions fish)
          '';
          meta = {
            description = "Compiler between Git and Azure API Management";
            homepage = "https://github.com/flux-apim/flux-apim";
            license = pkgs.lib.licenses.asl20;
            mainProgram = "flux-apim";
          };
        };
      });
      apps = each (pkgs: {
        default = {
          type = "app";
          program = "${self.packages.${pkgs.stdenv.hostPlatform.system}.default}/bin/flux-apim";
        };
      });
    };
}
