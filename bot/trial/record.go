package trial

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
)

// Text returns the record as the content of a file. It fails if the record contains anything that isn't on the list.
func (r Record) Text() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	b, err := json.MarshalIndent(r, "", " ")
	return append(b, '\n'), err
}

// ReadRecord parses a record. It rejects everything that Text would not write.
func ReadRecord(text []byte) (Record, error) {
	var r Record
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("not a record of a trial: %w", err)
	}
	return r, r.check()
}

const kind = `(object|array|boolean|null|(string|number)(=[0-9]{1,3}|=bits:[0-9,]*)?)`

var kinds = regexp.MustCompile(`^` + kind + `( ` + kind + `)*$`)

// check checks a record against the list of what it may contain, in addition to what shapeOf and call filter.
func (r *Record) check() error {
	var names, untriedWhy, routes, events []string
	for _, s := range steps() {
		names = append(names, s.name)
	}
	untriedWhy = []string{
		"", whyNoRoom, whyHasAll, whyNoGateway, whyInVoice, whyNobody, whyAdmin, whyPress, whySignIn, whyHour,
		whySomebody, whyTwoFactor,
	}
	routes = []string{
		"/users/@me", "/applications/@me", "/gateway/bot", "/guilds/{guild}", "/guilds/{guild}/roles",
		"/guilds/{guild}/channels", memberRoute,
		channelRoute, overwriteRoute, messagesRoute, messageRoute, "/channels/{channel}/voice-status",
		"/channels/{channel}/invites",
		"/invites/{code}", "/users/@me/channels",
	}
	events = []string{
		"HELLO", "READY", "RESUMED", "GUILD_CREATE", "CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE",
		"VOICE_STATE_UPDATE", "GUILD_MEMBERS_CHUNK",
		"VOICE_CHANNEL_STATUS_UPDATE",
	}
	bad := func(what string) error { return fmt.Errorf("the record contains %s that is not on the list", what) }
	if !slices.Contains([]string{"", IsTimedOut, IsPending}, r.MemberIs) {
		return bad("a member")
	}
	for _, o := range r.Outcomes {
		if !slices.Contains(names, o.Step) || !slices.Contains(untriedWhy, o.Untried) {
			return bad("a step")
		}
		if !o.Member.allowed() {
			return bad("a member")
		}
		for _, x := range o.Exchanges {
			if !slices.Contains([]string{"GET", "POST", "PUT", "PATCH", "DELETE"}, x.Method) ||
				!slices.Contains(routes, x.Route) {
				return bad("a route")
			}
			if x.Limit != nil && !slices.Contains([]string{"", "user", "global", "shared"}, x.Limit.Scope) {
				return bad("a scope")
			}
			if !x.Body.allowed() {
				return bad("a body")
			}
		}
		for _, e := range o.Events {
			if !slices.Contains(events, e.Name) || !e.Body.allowed() {
				return bad("an event")
			}
		}
	}
	return nil
}

var pathPart = regexp.MustCompile(`[^/]+`)

func (s Shape) allowed() bool {
	for path, kind := range s {
		if !kinds.MatchString(kind) {
			return false
		}
		for _, part := range pathPart.FindAllString(path, -1) {
			if _, is := slices.BinarySearch(documented, part); !is && part != "*" && part != "?" {
				return false
			}
		}
	}
	return true
}
