package view

// Reference is the page at /api: what programs can ask, in English.
type Reference struct {
	Layout
	Groups []ReferenceGroup
}

// ReferenceGroup are the operations about one thing.
type ReferenceGroup struct {
	Name       string
	Operations []ReferenceOperation
}

// ReferenceOperation is one operation.
type ReferenceOperation struct {
	ID, Method, Path, Summary, Description string
	Scope                                  string // that a token needs; "" for none
	Status                                 string // of success
	Inputs, Outputs                        []ReferenceField
}

// ReferenceField is one input or output.
type ReferenceField struct {
	Name, In, Kind, Text string
	Required             bool
}

func (*Reference) name() string { return "api" }

// Status is the page at /status, for everybody.
type Status struct {
	Layout
	Serving bool
	Why     string // what is not ready; "" if nothing
	Latency struct {
		Events   int
		P50, P95 int64 // milliseconds
	}
	Percent          string
	Up, Down, Unseen int // minutes
	From             string
}

func (*Status) name() string { return "status" }
