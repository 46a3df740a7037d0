package discordsim

import "context"

// SendMessage posts a message in a channel or a direct message channel, as a user.
func (s *Server) SendMessage(userID, channel ID, content string) (*Message, error) {
	return s.control.SendMessage(userID, channel, content)
}

// As acts as one of the people: it writes, edits, replies, reacts, opens direct messages and threads, and sends
// whatever else Discord's client can, as far as that person's permissions go.
func (s *Server) As(user ID) *Person { return s.control.As(user) }

// RunCommand uses a command as a user, waits for the first response and, if it is deferred, until
// it arrives or ctx ends. It returns an *APIError if the user has no such command or may not use
// it, if an option is wrong, and if the application doesn't respond in time.
func (s *Server) RunCommand(ctx context.Context, user ID, run CommandRun) (*Answer, error) {
	return s.control.RunCommand(ctx, user, run)
}

// Autocomplete requests suggestions for one option while the others are as in run.
func (s *Server) Autocomplete(ctx context.Context, user ID, run CommandRun, focused string) ([]Choice, error) {
	return s.control.Autocomplete(ctx, user, run, focused)
}

// UseComponent presses a button or chooses values in a menu as a user, and waits as RunCommand
// does. Without a message it uses the newest visible one with such a component. The custom id can
// also be the button's label. Values of user, role and channel menus are ids.
func (s *Server) UseComponent(
	ctx context.Context, user, message ID, customID string, values ...string,
) (*Answer, error) {
	return s.control.UseComponent(ctx, user, message, customID, values...)
}

// PressButton presses a button of a message as a user.
func (s *Server) PressButton(ctx context.Context, user, message ID, customID string) (*Answer, error) {
	return s.control.PressButton(ctx, user, message, customID)
}

// Select chooses values in a menu of a message as a user.
func (s *Server) Select(ctx context.Context, user, message ID, customID string, values ...string) (*Answer, error) {
	return s.control.Select(ctx, user, message, customID, values...)
}

// SubmitModal submits the modal that a user has open, with fields by custom id, and waits as
// RunCommand does. An empty customID means the newest modal. Values are strings, lists of strings
// for menus, and booleans for checkboxes.
func (s *Server) SubmitModal(ctx context.Context, user ID, customID string, fields map[string]any) (*Answer, error) {
	return s.control.SubmitModal(ctx, user, customID, fields)
}

// DismissModal closes a modal without submitting it.
func (s *Server) DismissModal(user ID, customID string) { s.control.DismissModal(user, customID) }
