// Command fetch downloads Discord's OpenAPI description, against which the tests check the
// simulator and Snug's requests: make openapi.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"snug/shared/discordsim/openapi"
)

const (
	published = "https://raw.githubusercontent.com/discord/discord-api-spec/main/specs/openapi.json"
	most      = 64 << 20 // bytes; it is little more than 1 MiB
	patience  = 2 * time.Minute
)

func main() {
	where := flag.Bool("where", false, "only say where the tests find the description; nothing if they do not")
	to := flag.String("to", filepath.Join("bin", "openapi.json"), "the file to write")
	flag.Parse()
	if *where {
		fmt.Println(openapi.Find())
		return
	}
	from := os.Getenv("DISCORD_OPENAPI_URL")
	if from == "" {
		from = published
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := fetch(ctx, from, *to); err != nil {
		fmt.Fprintf(os.Stderr, "Discord's OpenAPI description was not fetched: %v.\n"+
			"Where %s cannot be reached, set DISCORD_OPENAPI_URL to a mirror, or get the file another way and put "+
			"it at %s.\n"+
			"Without it the tests run all the same; they then compare nothing with it.\n", err, from, *to)
		os.Exit(1)
	}
	fmt.Printf("%s is here; the tests use it from now on\n", *to)
}

// fetch writes the response from an address to a file, completely or not at all, if it is Discord's description.
func fetch(ctx context.Context, from, to string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return fmt.Errorf("the address %q: %w", from, err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", from, res.Status)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), "openapi-*.json")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // already renamed on success
	n, err := io.Copy(f, io.LimitReader(res.Body, most+1))
	if closed := f.Close(); err == nil {
		err = closed
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", from, err)
	case n > most:
		return fmt.Errorf("%s has more than %d MiB", from, most>>20)
	}
	if _, err := openapi.Load(f.Name()); err != nil {
		return fmt.Errorf("what %s gave cannot be used: %w", from, err)
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}
