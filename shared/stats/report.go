package stats

import (
	"time"

	"snug/shared/audit"
)

// FillSteps are the upper bounds of the ranges in which fill times are reported; the last range has
// no bound.
func FillSteps() []time.Duration {
	return []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour}
}

// Report summarizes a guild's activity over a number of days.
type Report struct {
	Days    []DayRow       `json:"days" nullable:"false" doc:"Each day you asked for, oldest first."`
	Hours   [24]int        `json:"hours" doc:"Minutes people spent in rooms, by hour of the day (UTC)."`
	Fills   []int          `json:"fills" nullable:"false" doc:"Rooms filled in under 1, 5, 15, 60 minutes, or later."`
	Reasons map[string]int `json:"reasons" doc:"Closed rooms by reason."`
	Opened  int            `json:"opened"`
	Closed  int            `json:"closed"`
	Minutes int            `json:"person_minutes" doc:"Minutes people spent in rooms, added up."`
	Peak    int            `json:"peak" doc:"The most people at once."`
}

// DayRow is one day of a report.
type DayRow struct {
	Date    string `json:"date"` // format: 2026-01-31
	Opened  int    `json:"opened"`
	Closed  int    `json:"closed"`
	Minutes int    `json:"person_minutes"`
	Peak    int    `json:"peak"`
}

// NewReport returns an empty report for the given number of days, ending with the day of now.
func NewReport(now time.Time, days int) *Report {
	r := &Report{Fills: make([]int, len(FillSteps())+1), Reasons: map[string]int{}, Days: make([]DayRow, 0, days)}
	for i := days - 1; i >= 0; i-- {
		r.Days = append(r.Days, DayRow{Date: now.UTC().AddDate(0, 0, -i).Format(time.DateOnly)})
	}
	return r
}

// Since returns the start of the report's first day.
func (r *Report) Since() time.Time {
	t, _ := time.Parse(time.DateOnly, r.Days[0].Date) // always valid, because NewReport wrote it
	return t
}

func (r *Report) day(date string) *DayRow {
	for i := range r.Days {
		if r.Days[i].Date == date {
			return &r.Days[i]
		}
	}
	return nil
}

// Add adds the statistics of a day to the report. date has the format of Date; days outside the
// report are ignored.
func (r *Report) Add(date string, d Day) {
	t, err := time.Parse("20060102", date)
	row := r.day(t.Format(time.DateOnly))
	if err != nil || row == nil {
		return
	}
	for i, h := range d.Hours {
		row.Minutes += h.PersonMinutes
		row.Peak = max(row.Peak, h.People)
		r.Hours[i] += h.PersonMinutes
	}
	r.Minutes += row.Minutes
	r.Peak = max(r.Peak, row.Peak)
	for _, f := range d.Fills {
		step := 0
		for step < len(FillSteps()) && time.Duration(f.Seconds)*time.Second >= FillSteps()[step] {
			step++
		}
		r.Fills[step]++
	}
}

// Count adds an audit entry to the report.
func (r *Report) Count(e audit.Entry) {
	row := r.day(e.At.UTC().Format(time.DateOnly))
	if row == nil {
		return
	}
	switch e.Kind {
	case audit.RoomOpened:
		row.Opened++
		r.Opened++
	case audit.RoomClosed:
		row.Closed++
		r.Closed++
		r.Reasons[e.Detail]++
	}
}
