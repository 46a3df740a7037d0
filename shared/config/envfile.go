package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/hashicorp/go-envparse"
)

// DefaultEnvFile is the environment file that commands read without --env-file, if it's in the current folder.
const DefaultEnvFile = "snug.env"

// FromFile is embedded by commands that also read their variables from an environment file.
type FromFile struct {
	EnvFile string `name:"env-file" source:"" placeholder:"FILE" help:"${env_file}"`
}

// Sources returns a kong resolver for what neither a flag nor a variable NAME sets. The variable NAME_FILE names a file
// with the value; the environment file has NAME or NAME_FILE. The environment comes before the environment file.
func Sources() kong.Resolver { return &sources{} }

type sources struct {
	read bool
	env  map[string]string
	err  error
}

// Validate implements kong.Resolver.
func (*sources) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver.
func (s *sources) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if !s.read {
		s.read = true
		s.env, s.err = envFileOf(ctx)
	}
	if s.err != nil {
		return nil, s.err
	}
	for _, name := range flag.Envs {
		if os.Getenv(name) != "" {
			continue
		}
		for _, get := range []func(string) string{os.Getenv, func(name string) string { return s.env[name] }} {
			if v := get(name); v != "" {
				return v, nil
			}
			if path := get(name + "_FILE"); path != "" {
				return contents(name, path)
			}
		}
	}
	return nil, nil
}

// contents reads the file that the variable NAME_FILE names.
func contents(name, path string) (any, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s_FILE: %w. Check the path, and that Snug may read the file", name, err)
	}
	return strings.TrimSpace(string(b)), nil
}

// envFileOf reads the environment file of the selected command, and returns nothing if it has none.
func envFileOf(ctx *kong.Context) (map[string]string, error) {
	node := ctx.Selected()
	if node == nil {
		return nil, nil
	}
	i := slices.IndexFunc(node.Flags, func(f *kong.Flag) bool { return f.Tag.Has("source") })
	if i < 0 {
		return nil, nil
	}
	path, _ := ctx.FlagValue(node.Flags[i]).(string)
	given := path != ""
	if !given {
		path = DefaultEnvFile
	}
	env, err := ReadEnvFile(path, Variables(ctx.Model))
	if !given && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return env, err
}

// Variables returns the names of all variables that a program's commands read.
func Variables(app *kong.Application) []string {
	names := map[string]bool{}
	_ = kong.Visit(app, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok {
			for _, name := range f.Envs {
				names[name], names[name+"_FILE"] = true, true
			}
		}
		return next(nil)
	})
	return slices.Sorted(maps.Keys(names))
}

// ReadEnvFile reads variables from lines like NAME=value, as systemd and Docker do. It fails for a variable that looks
// like one of Snug's but isn't in known. Errors hold no values.
func ReadEnvFile(path string, known []string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("can't read the environment file: %w. Create one with: snug init", err)
	}
	defer f.Close()
	env, err := envparse.Parse(f)
	if bad, ok := errors.AsType[*envparse.ParseError](err); ok {
		return nil, fmt.Errorf("%s, line %d: %w. Write each variable as NAME=value", path, bad.Line, bad.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("can't read the environment file %s: %w", path, err)
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		ours := strings.HasPrefix(name, "SNUG_") || strings.HasPrefix(name, "DISCORD_") ||
			strings.HasPrefix(name, "SESSION_")
		if ours && !slices.Contains(known, name) {
			return nil, fmt.Errorf("%s has %s, which isn't a variable of Snug's. Correct or remove it; "+
				"snug serve --help lists all", path, name)
		}
	}
	base := filepath.Dir(path)
	for name, v := range env { // relative to the file that says it
		if strings.HasSuffix(name, "_FILE") && v != "" && !filepath.IsAbs(v) {
			env[name] = filepath.Join(base, v)
		}
	}
	return env, nil
}
