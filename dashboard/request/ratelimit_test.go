package request

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

func TestLimiterForgets(t *testing.T) {
	now := time.Now()
	l := &Limiter{limit: Limit{Every: time.Second, Burst: 2}, now: func() time.Time { return now }}
	l.buckets = newLimiters(Limits{}, l.now).Login.buckets
	for _, k := range []string{"a", "b", "a"} {
		if l.take(k) != 0 {
			t.Error("held up")
		}
	}
	if l.take("a") != time.Second {
		t.Error("not held up")
	}
	now = now.Add(time.Second)
	l.sweep()
	if len(l.buckets) != 1 {
		t.Errorf("%d buckets are kept", len(l.buckets))
	}
	if addressGroup("2001:db8::1") != addressGroup("2001:db8::2") || addressGroup("::ffff:10.0.0.1") != "10.0.0.1" {
		t.Error("addresses are grouped wrongly")
	}
}

// TestLimiterIsBounded: strangers with very many addresses take so much memory and no more, and who is held back
// stays so.
func TestLimiterIsBounded(t *testing.T) {
	now := time.Now()
	l := &Limiter{
		limit: Limit{Every: time.Hour, Burst: 2}, now: func() time.Time { return now },
		buckets: map[string]*rate.Limiter{},
	}
	for range 3 {
		l.take("held back")
	}
	for i := range 2 * maxBuckets {
		l.take(fmt.Sprint(i))
	}
	if len(l.buckets) != maxBuckets {
		t.Errorf("%d buckets, want %d", len(l.buckets), maxBuckets)
	}
	if l.take("held back") == 0 {
		t.Error("who was held back is forgotten")
	}
}
