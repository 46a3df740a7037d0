package control

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strconv"

	"snug/shared/discordsim/internal/faults"
	"snug/shared/discordsim/internal/world"
	"snug/shared/discordsim/internal/world/form"
)

func (c *request) faults() (any, error) {
	return map[string]any{"faults": c.control.Faults(), "at_once": faults.AtOnce, "in_wait": faults.InWait}, nil
}

// inject reads a fault. Times can also be given in milliseconds, there are aliases of "kind", and
// other fields may imply the kind.
func (c *request) inject() (any, error) {
	var in struct {
		faults.Fault
		Type         string      `json:"type"`
		Action       string      `json:"action"`
		Name         string      `json:"fault"`
		App          form.FlexID `json:"application_id"`
		Guild        form.FlexID `json:"guild_id"`
		User         form.FlexID `json:"user_id"`
		Op           int         `json:"op"`
		CloseCode    int         `json:"close_code"`
		DelayMS      float64     `json:"delay_ms"`
		DurationMS   float64     `json:"duration_ms"`
		RetryAfterMS float64     `json:"retry_after_ms"`
	}
	if err := c.read(&in); err != nil {
		return nil, err
	}
	f := in.Fault
	f.Application, f.Guild, f.User = world.ID(in.App), world.ID(in.Guild), world.ID(in.User)
	for _, word := range []string{in.Type, in.Action, in.Name} {
		f.Kind = cmp.Or(f.Kind, word)
	}
	f.Code = cmp.Or(f.Code, in.CloseCode)
	f.Delay = cmp.Or(f.Delay, in.DelayMS/1000)
	f.Duration = cmp.Or(f.Duration, in.DurationMS/1000)
	f.RetryAfter = cmp.Or(f.RetryAfter, in.RetryAfterMS/1000)
	if math.IsNaN(f.Delay) || f.Delay < 0 || f.Duration < 0 || f.RetryAfter < 0 {
		return nil, errors.New("times must not be negative")
	}
	if f.Kind == "" {
		f.Kind = f.Guess(in.Op)
	}
	return c.control.Inject(f)
}

func (c *request) clearFaults() (any, error) {
	id := 0
	if v := c.r.PathValue("fault"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not the id of a fault", v)
		}
		id = n
	}
	c.control.ClearFaults(id)
	return nil, nil
}
