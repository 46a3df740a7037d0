package hub

import "testing"

// TestAcknowledgedAt reads what NATS answers, and what it may answer one day.
func TestAcknowledgedAt(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		seq    uint64
		fails  bool
	}{
		"stored":             {`{"stream":"KV_rosters","seq":4711}`, 4711, false},
		"the first":          {`{"stream":"KV_rosters","seq":1}`, 1, false},
		"stored before":      {`{"stream":"KV_rosters","seq":7,"duplicate":true}`, 7, false},
		"in a domain":        {`{"stream":"KV_rosters","domain":"hub","seq":7}`, 7, false},
		"in another order":   {`{"seq":7,"stream":"KV_rosters"}`, 7, false},
		"with spaces":        {`{"stream":"KV_rosters","seq": 7 }`, 7, false},
		"refused":            {`{"error":{"code":503,"err_code":10077},"stream":"KV_rosters","seq":0}`, 0, true},
		"refused, said last": {`{"stream":"KV_rosters","seq":0,"error":{"code":503,"err_code":10077}}`, 0, true},
		"too large":          {`{"stream":"KV_rosters","seq":18446744073709551616}`, 0, true},
		"negative":           {`{"stream":"KV_rosters","seq":-1}`, 0, true},
		"without a number":   {`{"stream":"KV_rosters","seq":}`, 0, true},
		"cut off":            {`{"stream":"KV_rosters","seq":47`, 0, true},
		"no answer":          {``, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			if seq, err := acknowledgedAt([]byte(c.answer)); (err != nil) != c.fails || !c.fails && seq != c.seq {
				t.Errorf("%d, %v", seq, err)
			}
		})
	}
}
