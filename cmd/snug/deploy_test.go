package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"snug/shared/config"
)

const deployed = "docs/deploy/cluster"

// TestDeployedNATS has the example's servers configured as the program says.
func TestDeployedNATS(t *testing.T) {
	t.Parallel()
	var out, errs strings.Builder
	if status := run(t.Context(), []string{"nats-setup", "--no-tls"}, &out, &errs); status != 0 {
		t.Fatal(errs.String())
	}
	path := filepath.Join(repo, deployed, "nats.conf")
	if os.Getenv("SNUG_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != out.String() {
		t.Errorf("%s isn't what snug nats-setup --no-tls prints. Run: make generate (%v)", path, err)
	}
	for args, want := range map[string]string{
		"--servers a,b": "takes no more failures than one of 1", `--servers a,b/c,d`: `"b/c" isn't a host name`,
	} {
		errs.Reset()
		status := run(t.Context(), append([]string{"nats-setup"}, strings.Fields(args)...), &out, &errs)
		if status == 0 || !strings.Contains(errs.String(), want) {
			t.Errorf("%s: status %d, %s", args, status, errs.String())
		}
	}
}

// TestDeployedCluster checks the compose file's services: each has what its role needs, and no secret of another's.
func TestDeployedCluster(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join(repo, deployed, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]struct {
			Image       string
			Environment map[string]string
			Secrets     []string
			Volumes     []string
			Networks    []string
		}
		Secrets, Volumes map[string]any
	}
	if err := yaml.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	caddy, err := os.ReadFile(filepath.Join(repo, deployed, "Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]int{}
	for name, s := range file.Services {
		role := s.Environment["SNUG_ROLES"]
		roles[role]++
		var want []string
		switch role {
		case config.RoleBot:
			want = []string{"bot-token", "session-secret"}
			if dir := s.Environment["SNUG_BACKUP_DIR"]; dir == "" || !slices.Contains(s.Volumes, "./backups:"+dir) {
				t.Errorf("the backups of %s end with it: %q in %v", name, dir, s.Volumes)
			}
		case config.RoleDashboard:
			want = []string{"client-secret", "session-secret"}
			if !strings.Contains(string(caddy), name+":8080") {
				t.Errorf("the proxy doesn't know %s", name)
			}
		}
		if !slices.Equal(s.Secrets, want) {
			t.Errorf("%s has the secrets %v, want %v", name, s.Secrets, want)
		}
		for _, secret := range want {
			variable := strings.ToUpper(strings.ReplaceAll(secret, "-", "_")) + "_FILE"
			if s.Environment[variable] == "" && s.Environment["DISCORD_"+variable] == "" {
				t.Errorf("nothing reads the secret %s of %s", secret, name)
			}
			if file.Secrets[secret] == nil {
				t.Errorf("there's no secret %s", secret)
			}
		}
		if strings.HasPrefix(name, "nats-") && (s.Environment["NATS_NAME"] != name || !slices.Equal(s.Networks,
			[]string{"inside"}) || !slices.Contains(s.Volumes, name+":/data")) {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if len(file.Services) != 8 || roles["bot"] != 2 || roles["dashboard"] != 2 {
		t.Errorf("there are %d services, by role %v", len(file.Services), roles)
	}
}
