package program

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// healthPatience is how long a simulator may take to answer.
const healthPatience = 5 * time.Second

// ask asks the simulator at Addr whether it's there. An error says that it isn't.
func (f *Flags) ask(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+f.Addr+"/api/v10/gateway", nil)
	if err != nil {
		return err
	}
	t := &http.Transport{DisableKeepAlives: true}
	res, err := t.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("no simulator answers at %s: %w. Start one, or name its address with --addr", f.Addr, err)
	}
	defer res.Body.Close()
	// One that serves https answers 400 to http: it's there, too.
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusBadRequest {
		return fmt.Errorf("what answers at %s isn't a Discord simulator: it says %s", f.Addr, res.Status)
	}
	_, err = fmt.Fprintln(out, "The simulator is ready.")
	return err
}
