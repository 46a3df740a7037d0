package discordsim

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

func (c *control) faults() (any, error) {
	return map[string]any{"faults": c.s.Faults(), "at_once": atOnce, "in_wait": inWait}, nil
}

// inject reads a fault. Times can also be given in milliseconds, there are aliases of "kind", and
// other fields may imply the kind.
func (c *control) inject() (any, error) {
	var in struct {
		Fault
		Type         string  `json:"type"`
		Action       string  `json:"action"`
		Name         string  `json:"fault"`
		App          flexID  `json:"application_id"`
		Guild        flexID  `json:"guild_id"`
		User         flexID  `json:"user_id"`
		Op           int     `json:"op"`
		CloseCode    int     `json:"close_code"`
		DelayMS      float64 `json:"delay_ms"`
		DurationMS   float64 `json:"duration_ms"`
		RetryAfterMS float64 `json:"retry_after_ms"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	f := in.Fault
	f.Application, f.Guild, f.User = ID(in.App), ID(in.Guild), ID(in.User)
	for _, word := range []string{in.Type, in.Action, in.Name} {
		orElse(&f.Kind, word)
	}
	orElse(&f.Code, in.CloseCode)
	orElse(&f.Delay, in.DelayMS/1000)
	orElse(&f.Duration, in.DurationMS/1000)
	orElse(&f.RetryAfter, in.RetryAfterMS/1000)
	if math.IsNaN(f.Delay) || f.Delay < 0 || f.Duration < 0 || f.RetryAfter < 0 {
		return nil, errors.New("times must not be negative")
	}
	if f.Kind == "" {
		f.Kind = f.guess(in.Op)
	}
	return c.s.Inject(f)
}

// guess returns the kind of a fault implied by its other fields.
func (f *Fault) guess(op int) string {
	switch {
	case op != 0:
		return "op" + strconv.Itoa(op)
	case f.Code != 0:
		return FaultClose
	case f.Status == 429 || f.RetryAfter != 0 || f.Scope != "":
		return FaultRateLimit
	case f.Status != 0:
		return FaultError
	case f.Delay != 0 && f.Event != "":
		return FaultDelay
	case f.Delay != 0:
		return FaultLatency
	}
	return ""
}

func (c *control) clearFaults() (any, error) {
	id := 0
	if v := c.r.PathValue("fault"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not the id of a fault", v)
		}
		id = n
	}
	c.s.ClearFaults(id)
	return nil, nil
}
