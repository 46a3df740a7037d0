package view

import (
	"encoding/json"
	"slices"

	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/push"
	"snug/shared/room"
	"snug/shared/text"
)

// Notifications is the page at /notifications: what somebody chose about them.
type Notifications struct {
	Layout
	push.Person
	Key      string        // with which browsers subscribe
	Seen     []room.Person // whom they see in rooms and don't trust yet
	Form     push.Quiet    // the quiet hours as they were filled in
	Err      *errs.Error   // what is wrong with Form
	Outdated func(push.Device) bool
}

func (*Notifications) name() string { return "notifications" }

// AllKinds are the kinds that can be switched on; the messages notify.{kind} and notify.{kind}.hint say what they are.
func (*Notifications) AllKinds() []push.Kind { return push.Kinds() }

// On says whether a kind is switched on.
func (p *Notifications) On(k push.Kind) bool { return slices.Contains(p.Kinds, k) }

// Friends are the people that they trust, as they are drawn.
func (p *Notifications) Friends() (list []room.Person) {
	for _, f := range p.Trusted {
		list = append(list, room.Person{UserID: f.UserID, DisplayName: f.Name})
	}
	return list
}

// Trouble is why a device may not get notifications; "": it does.
func (p *Notifications) Trouble(d push.Device) push.Trouble {
	if p.Outdated != nil && p.Outdated(d) {
		return push.TroubleRenew
	}
	return d.Trouble
}

// State is what scripts know.
func (p *Notifications) State() any {
	return struct {
		Me  string `json:"me"`
		Key string `json:"key"`
	}{p.me().String(), p.Key}
}

// Offline is the page that browsers keep for when they can't reach Snug. It is the same for everybody.
type Offline struct{ Layout }

func (*Offline) name() string { return "offline" }

// Overlay says that the page isn't one for streaming software, with which it shares its frame.
func (*Offline) Overlay() bool { return false }

// Icons of Snug as an app, by their sizes in pixels; masked ones have room around for the shape that a device cuts.
var icons = []struct {
	file, sizes, mime, purpose string
}{
	{"img/mark.svg", "any", "image/svg+xml", "any"},
	{"img/icon-192.png", "192x192", "image/png", "any"},
	{"img/icon-512.png", "512x512", "image/png", "any"},
	{"img/icon-masked-512.png", "512x512", "image/png", "maskable"},
}

// Manifest describes Snug as an app that can be installed (https://www.w3.org/TR/appmanifest/).
func (e *Engine) Manifest(t text.Texts) ([]byte, error) {
	type icon struct {
		Src     string `json:"src"`
		Sizes   string `json:"sizes"`
		Type    string `json:"type"`
		Purpose string `json:"purpose"`
	}
	m := struct {
		ID          string `json:"id"`
		Name        string `json:"name"`
		ShortName   string `json:"short_name"`
		Description string `json:"description"`
		Lang        string `json:"lang"`
		StartURL    string `json:"start_url"`
		Scope       string `json:"scope"`
		Display     string `json:"display"`
		Background  string `json:"background_color"`
		Theme       string `json:"theme_color"`
		Icons       []icon `json:"icons"`
	}{
		"/", "Snug", "Snug", t.Say("card.about"), t.Language().Code, string(pages.Home), "/", "standalone",
		"#1b1420", "#1b1420", nil,
	}
	for _, i := range icons {
		path, err := e.Asset(i.file)
		if err != nil {
			return nil, err
		}
		m.Icons = append(m.Icons, icon{path, i.sizes, i.mime, i.purpose})
	}
	return json.Marshal(m)
}

// Worker is the service worker's script. It names the release, and what the page for when there is no connection needs.
func (e *Engine) Worker() ([]byte, error) {
	kept := []string{string(pages.Offline)}
	for _, name := range []string{"css/snug.css", "css/watch.css", "js/offline.js", "img/mark.svg"} {
		path, err := e.Asset(name)
		if err != nil {
			return nil, err
		}
		kept = append(kept, path)
	}
	icon, err := e.Asset("img/icon-192.png")
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(map[string]any{"version": e.assets.sum, "kept": kept, "icon": icon})
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte("const snug = "), head, []byte(";\n"), e.assets.files["js/sw.js"].plain), nil
}
