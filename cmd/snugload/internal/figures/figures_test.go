package figures

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	h := &Histogram{}
	for i := range 1000 {
		h.Add(int64(i+1) * 1000)
	}
	for q, want := range map[float64]time.Duration{.5: 500 * time.Microsecond, .99: 990 * time.Microsecond} {
		if got := h.Quantile(q); got < want || got > want*107/100 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	for i := range 60 * 16 {
		if v := upper(i); slot(uint64(v)) != i {
			t.Fatalf("the highest of slot %d is %d, which is in %d", i, v, slot(uint64(v)))
		}
	}
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}}, {[]float64{7}, Spread{7, 7, 7}}, {[]float64{4, 1, 3, 2, 5}, Spread{3, 2, 4}},
		{[]float64{2, 1}, Spread{1.5, 1.25, 1.75}},
	} {
		if got := Of(c.values); got != c.want {
			t.Errorf("%v has %+v, want %+v", c.values, got, c.want)
		}
	}
}

// TestTable: ratios are those within turns, and turns without a figure don't count.
func TestTable(t *testing.T) {
	table := Table{
		Scenario: "saturated", What: "everything at once",
		Columns: []Column{{Name: "CPU", Unit: "µs", Tens: 1, Ratio: true}, {Name: "lost", Sum: true}, {Name: "p99"}},
		Rows: []Row{
			{Subject: "floor", Turns: []Turn{{"CPU": 4}, {"CPU": 2}, {"CPU": 1}}},
			{Subject: "snug", Turns: []Turn{{"CPU": 2, "lost": 1}, {"CPU": 3, "lost": 2}, {}}},
		},
	}
	table.Rows[1].Note("one turn doesn't count")
	table.Rows[1].Note("one turn doesn't count")
	var text, lines bytes.Buffer
	if err := table.Text(&text); err != nil {
		t.Fatal(err)
	}
	if err := table.JSON(&lines); err != nil {
		t.Fatal(err)
	}
	want := "1.00 (0.75–1.25)" // between 0.5 and 1.5
	if got := text.String(); !strings.Contains(got, want) || strings.Contains(got, "p99") ||
		strings.Count(got, "one turn doesn't count") != 1 || !strings.Contains(got, " 3\n") {
		t.Errorf("%s", got)
	}
	dec := json.NewDecoder(&lines)
	var floor, snug line
	if err := dec.Decode(&floor); err != nil {
		t.Fatal(err)
	}
	if err := dec.Decode(&snug); err != nil {
		t.Fatal(err)
	}
	if f := snug.Figures["CPU"]; f.Median != 2.5 || f.Ratio == nil || f.Ratio.Median != 1 || f.Unit != "µs" ||
		*snug.Figures["lost"].Sum != 3 || snug.Turns != 3 || len(snug.Notes) != 1 {
		t.Errorf("%+v", snug)
	}
}
