package dashboard

import (
	"io/fs"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"snug/dashboard/request"
	"snug/dashboard/view"
	"snug/dashboard/view/fixtures"
	"snug/shared/pages"
	"snug/shared/schema"
	"snug/static"
	"snug/templates"
)

// twin says which operations of the API do what a page shows or a form does.
type twin struct {
	ops string // by their ids
	// do names, for each value of a form's buttons "do", the operation that is meant by it.
	do map[string]string
	// inputs names an operation's input where the form has another name for it; "" says that programs need none.
	inputs map[string]string
	// none says why there is nothing for programs.
	none string
}

// twins is all that the web has. A page or form without a row fails the test:
// give the API what it can do, and say here which operation that is.
var twins = map[string]twin{
	"GET /":                     {ops: "me guilds rooms closed-rooms my-presets presets"},
	"GET /servers/:guild":       {ops: "guild rooms member preferences"},
	"GET /game/:channel":        {ops: "room room-members room-control room-history closed-rooms"},
	"GET /i/:code":              {ops: "preview-invite"},
	"GET /game/:channel/coming": {ops: "arrive-at-room"},
	"GET /watch/:channel": {
		none: "a link for spectators opens one room's live view and nothing else",
	},
	"GET /admin/:guild":               {ops: "settings places lobbies"},
	"GET /admin/:guild/settings.json": {ops: "settings"},
	"GET /admin/:guild/history":       {ops: "settings-history"},
	"GET /admin/:guild/activity":      {ops: "audit stats"},
	"GET /admin/:guild/activity.csv":  {ops: "audit"},
	"GET /admin/:guild/activity.json": {ops: "audit"},
	"GET /admin/:guild/health":        {ops: "health repair"},
	"GET /admin/:guild/webhooks":      {ops: "webhooks webhook-deliveries"},
	"GET /admin/:guild/tokens":        {ops: "tokens"},
	"GET /admin/:guild/presets":       {ops: "presets"},
	"GET /presets":                    {ops: "my-presets"},
	"GET /tokens":                     {ops: "my-tokens"},
	"GET /status":                     {ops: "status"},
	"GET /offline":                    {none: "what browsers show when they can't reach Snug"},
	"GET /manifest.webmanifest":       {none: "what browsers need to install Snug as an app"},
	"GET /sw.js":                      {none: "the script that shows notifications and the offline page"},
	"GET /notifications":              {ops: "notifications add-device"},
	"GET /api": {
		none: "it is the API's own description, at /api/openapi.json for programs",
	},
	"GET /privacy": {none: "a text for people"},
	"GET /terms":   {none: "a text for people"},
	"GET /privacy/data.json": {
		none: "what is stored of somebody is for them, in a browser, and not for who holds a token of theirs",
	},
	"GET /privacy/erase": {
		none: "what is stored of somebody is for them, in a browser, and not for who holds a token of theirs",
	},
	"POST /privacy/erase": {
		none: "what is stored of somebody is for them, in a browser, and not for who holds a token of theirs",
	},
	"GET /card/:picture":         {none: "a picture for other sites, of what the page's tags say"},
	"GET /login":                 {none: "browsers sign in; programs have tokens"},
	"POST /login":                {none: "browsers sign in; programs have tokens"},
	"GET /auth/discord/callback": {none: "browsers sign in; programs have tokens"},
	"GET /logout":                {none: "browsers sign out; tokens are revoked"},
	"POST /logout":               {none: "browsers sign out; tokens are revoked"},
	"POST /logout/everywhere":    {none: "browsers sign out; tokens are revoked"},
	"POST /language":             {none: "a browser's choice of language, in its cookie"},
	"POST /watch/:channel/token": {
		none: "a link for spectators opens one room's live view and nothing else",
	},
	"POST /servers/:guild/rooms":  {ops: "open-room"},
	"POST /open":                  {ops: "open-room"},
	"POST /game/:channel/again":   {ops: "open-again"},
	"POST /servers/:guild/forget": {ops: "forget-preferences"},
	"POST /i/:code":               {ops: "redeem-invite"},
	"POST /game/:channel/coming":  {ops: "arrive-at-room"},
	"POST /game/:channel/join":    {ops: "join-room"},
	"POST /game/:channel/keep":    {ops: "keep-room"},
	"POST /game/:channel/close":   {ops: "close-room"},
	"POST /game/:channel/change": {
		ops: "change-room", do: changes(),
	},
	"POST /game/:channel/edit":               {ops: "change-room", inputs: before()},
	"POST /game/:channel/knock":              {ops: "knock"},
	"POST /game/:channel/answer":             {ops: "answer-knock"},
	"POST /game/:channel/wait":               {ops: "wait stop-waiting", inputs: map[string]string{"leave": ""}},
	"POST /game/:channel/invites":            {ops: "create-invite"},
	"POST /game/:channel/invites/:id/revoke": {ops: "revoke-invite"},
	"POST /admin/:guild":                     {ops: "change-settings"},
	"POST /admin/:guild/import":              {ops: "change-settings", inputs: map[string]string{"file": "settings"}},
	"POST /admin/:guild/undo":                {ops: "undo-settings"},
	"POST /admin/:guild/lobbies":             {do: map[string]string{"save": "save-lobby", "remove": "remove-lobby"}},
	"POST /admin/:guild/webhooks": {ops: "change-webhook", do: map[string]string{
		"make": "create-webhook", "remove": "remove-webhook", "ping": "ping-webhook", "replay": "replay-delivery",
	}},
	"POST /admin/:guild/tokens": {
		do: map[string]string{"make": "create-token", "revoke": "revoke-token"},
	},
	"POST /tokens": {
		do: map[string]string{"make": "create-my-token", "revoke": "revoke-my-token"},
	},
	"POST /presets":              {do: map[string]string{"save": "save-my-preset", "remove": "remove-my-preset"}},
	"POST /admin/:guild/presets": {do: map[string]string{"save": "save-preset", "remove": "remove-preset"}},
	"POST /admin/:guild/health":  {ops: "repair"},
	"POST /notifications": {do: map[string]string{
		"save": "change-notifications", "trust": "trust", "distrust": "stop-trusting", "remove": "remove-device",
		"test": "test-notifications",
	}},
}

// changes are the actions on a room that a button does, each of which the API's one operation takes by the same name.
func changes() map[string]string {
	out := map[string]string{}
	for _, a := range schema.Actions() {
		if a.Input == schema.NoInput || a.Input.User() {
			out[a.Name] = "change-room"
		}
	}
	return out
}

// before are the inputs of the panel's form that say what another was. Programs send what they change.
func before() map[string]string {
	out := map[string]string{}
	for _, a := range schema.Actions() {
		for _, field := range a.Takes() {
			out[view.WasPrefix+field] = ""
		}
	}
	return out
}

// notPages are routes that are neither pages nor forms: for robots, load balancers and scripts.
var notPages = regexp.MustCompile(`^(/healthz|/readyz|/metrics|/robots\.txt|/favicon\.ico|/static/.*|` +
	`/api/openapi\.json|/api/ws|` + request.APIPrefix + `/.*)$`)

// operation finds an operation by its id, and the names of what it can be told.
func (b *bench) operation(id string) (inputs []string, found bool) {
	for _, g := range b.api.Reference() {
		for _, op := range g.Operations {
			if op.ID == id {
				for _, in := range op.Inputs {
					inputs = append(inputs, in.Name)
				}
				return inputs, true
			}
		}
	}
	return nil, false
}

// TestTheWebHasNothingThatTheAPILacks: each page and form has its operations, and none of them lacks.
func TestTheWebHasNothingThatTheAPILacks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	left := maps.Clone(twins)
	for _, r := range b.Routes() {
		at := r.Method + " " + r.Path
		if notPages.MatchString(r.Path) {
			continue
		}
		x, ok := left[at]
		delete(left, at)
		ops := strings.Fields(x.ops)
		for _, op := range x.do {
			ops = append(ops, op)
		}
		switch {
		case !ok:
			t.Errorf("%s is on the web, and nothing says what of the API does the same: add a row to twins", at)
		case (len(ops) == 0) == (x.none == ""):
			t.Errorf("%s needs operations, or else a reason for none", at)
		}
		for _, op := range ops {
			if _, ok := b.operation(op); !ok {
				t.Errorf("%s: the API has no operation %q", at, op)
			}
		}
	}
	for at := range left {
		t.Errorf("%s: there is no such page any more", at)
	}
}

// form is one form of a template: where it posts, its inputs, and the values of its buttons "do".
type form struct {
	file, at   string
	inputs, do []string
}

var (
	formTag   = regexp.MustCompile(`(?s)<form\b[^>]*? method="post" action="([^"]*)"[^>]*>(.*?)</form>`)
	inputName = regexp.MustCompile(`name="([a-z_]+)"|template "field" field "[a-z]+" "([a-z_]+)"`)
	doValue   = regexp.MustCompile(`name="do" value="([a-z]+)"`)
	address   = regexp.MustCompile(`^\{\{to\.(\w+)[^}]*\}\}$`)
	inRoom    = regexp.MustCompile(`/[0-9A-Z]{10,}`) // IDs of rooms and invites
)

// formTargets says where forms post to whose templates do not say so themselves.
var formTargets = map[string][]string{
	"partials/control.html {{$path}}":    {"POST /game/:channel/change"}, // the actions' own: roomForms
	"partials/control.html {{.Path}}":    {"POST /game/:channel/change"},
	"partials/tokens.html {{$p.Action}}": {"POST /tokens", "POST /admin/:guild/tokens"},
	"partials/tokens.html {{.Action}}":   {"POST /tokens", "POST /admin/:guild/tokens"},
	"partials/presets.html {{.Action}}":  {"POST /presets", "POST /admin/:guild/presets"},
	"admin-webhooks.html {{$to}}":        {"POST /admin/:guild/webhooks"},
	"layout.html {{.URL}}":               nil, // a notice's button, which leads to one of the other forms' addresses
}

// forms reads every form that posts from the templates.
func forms(t *testing.T) (out []form) {
	t.Helper()
	err := fs.WalkDir(templates.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := templates.FS.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range formTag.FindAllStringSubmatch(string(text), -1) {
			f := form{file: path}
			for _, n := range inputName.FindAllStringSubmatch(m[2], -1) {
				f.inputs = append(f.inputs, n[1]+n[2])
			}
			for _, v := range doValue.FindAllStringSubmatch(m[2], -1) {
				f.do = append(f.do, v[1])
			}
			ats, known := formTargets[path+" "+m[1]]
			if to := address.FindStringSubmatch(m[1]); to != nil {
				ats = []string{"POST " + string(pages.All()[to[1]])}
			} else if !known {
				t.Errorf("%s posts to %s, which is written down there instead of in shared/pages", path, m[1])
			}
			for _, at := range ats {
				f.at = at
				out = append(out, f)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// roomForms reads the forms of the room's pages as they are rendered: the actions' forms are made from their rows.
func roomForms(t *testing.T) (out []form) {
	t.Helper()
	e, err := view.New(view.Config{Templates: templates.FS, Static: static.FS})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fixtures.All() {
		if !strings.HasPrefix(f.Name, "room-") {
			continue
		}
		page := httptest.NewRecorder()
		if err := e.Render(page, f.Status, f.Page); err != nil {
			t.Fatal(err)
		}
		for _, m := range formTag.FindAllStringSubmatch(page.Body.String(), -1) {
			f := form{file: f.Name, at: "POST " + inRoom.ReplaceAllString(m[1], "/:")}
			for _, n := range inputName.FindAllStringSubmatch(m[2], -1) {
				f.inputs = append(f.inputs, n[1]+n[2])
			}
			for _, v := range doValue.FindAllStringSubmatch(m[2], -1) {
				f.do = append(f.do, v[1])
			}
			out = append(out, f)
		}
	}
	return out
}

// TestWhatFormsAskForTheAPITakes: each input of a form, and each thing its buttons do, has its like in the API.
func TestWhatFormsAskForTheAPITakes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	parameter := regexp.MustCompile(`:[a-z]*`)
	like := map[string]string{} // routes by their shape, without the parameters' names
	for at := range twins {
		like[parameter.ReplaceAllString(at, ":")] = at
	}
	seen := map[string]bool{}
	for _, f := range append(forms(t), roomForms(t)...) {
		at := like[parameter.ReplaceAllString(f.at, ":")]
		x, ok := twins[at]
		if !ok {
			t.Errorf("%s posts to %q, which has no row in twins", f.file, f.at)
			continue
		}
		seen[at] = true
		if x.none != "" {
			continue
		}
		ops := strings.Fields(x.ops)
		for _, do := range f.do {
			if x.do[do] == "" {
				t.Errorf("%s: the API has nothing for do=%s of %s", f.file, do, at)
			}
			seen[at+" "+do] = true
		}
		for _, op := range x.do {
			ops = append(ops, op)
		}
		var takes []string
		for _, op := range ops {
			inputs, _ := b.operation(op)
			takes = append(takes, inputs...)
		}
		for _, name := range f.inputs {
			to, renamed := x.inputs[name]
			if name == "do" && len(x.do) > 0 || renamed && to == "" {
				continue
			}
			if !renamed {
				to = name
			}
			for n := range strings.FieldsSeq(to) {
				if !slices.Contains(takes, n) {
					t.Errorf("%s: %s asks for %s, and no operation of %v takes %q", f.file, at, name, ops, n)
				}
			}
		}
	}
	for at, x := range twins { // nothing was overlooked
		if path, post := strings.CutPrefix(at, "POST "); post && x.none == "" && !seen[at] {
			t.Errorf("no template has a form for %s", path)
		}
		for do := range x.do {
			if !seen[at+" "+do] {
				t.Errorf("no form does %s at %s", do, at)
			}
		}
	}
}
