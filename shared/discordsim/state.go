package discordsim

// State returns the whole world.
func (s *Server) State() *State { return s.control.State() }

// StateFor returns the world as a user sees it.
func (s *Server) StateFor(user ID) (*State, error) { return s.control.StateFor(user) }
