package discordsim

// Inject adds a fault, or makes it happen, and returns it with its id and defaults. It fails if the
// kind is unknown or a required field is missing.
func (s *Server) Inject(f Fault) (Fault, error) { return s.control.Inject(f) }

// ClearFaults ends the fault with this id, or with 0 all waiting ones. Requests that a latency fault delays go on at
// once. Unavailable guilds stay unavailable; "restore" brings them back.
func (s *Server) ClearFaults(id int) { s.control.ClearFaults(id) }

// Faults lists the waiting faults.
func (s *Server) Faults() []Fault { return s.control.Faults() }
