package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"snug/dashboard/actions"
	"snug/dashboard/card"
	"snug/dashboard/request"
	"snug/dashboard/view"
	"snug/shared/errs"
	"snug/shared/pages"
	"snug/shared/room"
	"snug/shared/text"
)

var errNoPicture = errs.E(errs.NotFound, "This picture doesn't exist. Its address may be incomplete, or too old.")

// What a sealed card is for, and how long its picture's name may be.
const (
	cardContext    = "card"
	maxPictureName = 2048
)

// picture is the whole address of a card's picture. The card itself is in it, sealed: any process draws it without
// asking anybody, and nobody else can have Snug draw words of theirs. No id and no invite's code is in it.
func (s *Site) picture(c card.Card) (string, error) {
	c.Name, c.Place = shortened(c.Name), shortened(c.Place)
	b, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	name := base64.RawURLEncoding.EncodeToString(s.o.Keys.Seal(b, cardContext)) + ".png"
	return s.o.Links.At(pages.Card, name), nil
}

// shortened gives of a name what a picture has room for.
func shortened(name string) string {
	const most = 80
	if runes := []rune(card.Drawable(name)); len(runes) > most {
		return string(runes[:most])
	}
	return card.Drawable(name)
}

// cardOf reads the name of a picture. It fails with errs.NotFound for one that this Snug didn't give away.
func (s *Site) cardOf(name string) (c card.Card, err error) {
	if name == request.OwnPicture {
		return card.Own(), nil
	}
	sealed, isPNG := strings.CutSuffix(name, ".png")
	if !isPNG || len(name) > maxPictureName {
		return c, errNoPicture
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err == nil {
		b, err = s.o.Keys.Open(b, cardContext)
	}
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return c, errNoPicture.Because(err)
	}
	return c, nil
}

// cardPicture draws a card. It knows no person, and the same address is the same picture for ever.
func (s *Site) cardPicture(c *gin.Context) error {
	if err := s.req.AllowAddress(c, s.req.Limits.Card); err != nil {
		return err
	}
	which, err := s.cardOf(c.Param("picture"))
	if err != nil {
		return err
	}
	p, err := s.pictures.Get(c.Request.Context(), which)
	if err != nil {
		return err
	}
	h := c.Writer.Header()
	h.Set("Cache-Control", "public, max-age=604800")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // it is made to be shown elsewhere
	h.Set("Content-Type", "image/png")
	h.Set("ETag", p.ETag)
	http.ServeContent(c.Writer, c.Request, "", time.Time{}, bytes.NewReader(p.PNG))
	return nil
}

// inviteCard is what an invite link shows beside itself. Those who have the link see more on its page, as long as it
// works; the card says what may outlive it.
func (s *Site) inviteCard(t text.Texts, p room.Preview, url string) (*view.Card, error) {
	c := card.Card{
		Name: p.Name, Place: p.GuildName, Seats: p.Seats, Taken: room.Occupied(p.Roster), Quiet: !p.Public,
		Closed: p.Locked,
	}
	return s.roomCard(t, c, t.Say("card.invite", "Server", p.GuildName), url)
}

// publicRoomCard is what a room's own address shows beside itself, for a room that anybody may know of.
func (s *Site) publicRoomCard(t text.Texts, g room.GuildInfo, l room.Live) (*view.Card, error) {
	c := card.Card{
		Name: l.Room.Name, Place: g.Name, Seats: l.Room.Seats, Taken: l.Occupied(), Closed: l.Room.Access.Locked,
	}
	about := t.Say("card.room", "Server", g.Name)
	if headline := l.Room.Card.Headline; headline != "" {
		about = headline + " · " + about
	}
	return s.roomCard(t, c, about, s.o.Links.Room(l.Room.ID))
}

// roomCard completes a card of a room: about says what it is.
func (s *Site) roomCard(t text.Texts, c card.Card, about, url string) (*view.Card, error) {
	v := &view.Card{Title: c.Name, About: about, Alt: request.AltOf(t, c), URL: url}
	if c.Quiet {
		c.Taken = 0
	} else {
		v.About += " · " + t.Say("room-card.sum", "Taken", c.Taken, "Count", c.Seats)
	}
	if c.Closed {
		v.About += " · " + t.Say("card.locked")
	}
	var err error
	v.Picture, err = s.picture(c)
	return v, err
}

// serverCard is what a server's page shows beside itself, for a server that anybody may know of.
func (s *Site) serverCard(t text.Texts, g room.GuildInfo) (v *view.Card, err error) {
	c := card.Card{Name: g.Name, Quiet: true}
	v = &view.Card{
		Title: g.Name, About: t.Say("card.server", "Server", g.Name), Alt: request.AltOf(t, c),
		URL: s.o.Links.Server(g.ID),
	}
	v.Picture, err = s.picture(c)
	return v, err
}

// isStranger says whether a page of members is opened by nobody who could be led to sign in: by what makes cards of
// links. People's browsers say that they navigate (Fetch Metadata), and were perhaps signed in here before; a very old
// one that doesn't say so sees the page that cards are made of, and its button.
func (s *Site) isStranger(c *gin.Context, err error) bool {
	if !errs.Has(err, errs.Unauthorized) || s.o.Cookies.ID(c.Request) != "" || request.WantsJSON(c.Request) {
		return false
	}
	bot := strings.Contains(strings.ToLower(c.Request.UserAgent()), "bot") // some are browsers without a person
	return bot || c.GetHeader("Sec-Fetch-Mode") != "navigate"
}

// forStrangers answers a stranger with a page that says how to go on, and no more of what is there than its card does;
// nil is for nothing that they may know of. heading and sentence are what it says then.
func (s *Site) forStrangers(c *gin.Context, about *view.Card, heading, sentence string) error {
	t := s.req.Texts(c)
	m := &view.Message{Layout: s.req.Layout(c, t.Say(heading)), Kind: view.KindEmpty, Sentence: t.Say(sentence)}
	if about != nil {
		m.Title, m.Card = about.Title, about
		m.Sentence = about.About + ". " + m.Sentence
	}
	m.Actions = []view.Action{{
		Label: t.Say("nav.sign-in.discord"), URL: request.LoginURL(request.PagePath(c.Request), false), Primary: true,
	}}
	s.req.Even(c) // whether there is such a room, time does not tell
	return s.req.Page(c, http.StatusOK, m)
}

// openTo gives strangers a page of their own at an address of members.
func (s *Site) openTo(strangers request.Handler, members gin.HandlerFunc) gin.HandlerFunc {
	strange := s.req.Do(strangers)
	return func(c *gin.Context) {
		if _, err := s.req.Me(c); s.isStranger(c, err) {
			request.Private(c)
			strange(c)
			return
		}
		members(c)
	}
}

// roomForStrangers is a room's page for strangers.
func (s *Site) roomForStrangers(c *gin.Context) error {
	id, err := idOf(c, "channel", actions.ErrNoRoom)
	var about *view.Card
	if err == nil {
		if g, l, ok := s.actions.RoomForAnybody(c.Request.Context(), id); ok {
			if about, err = s.publicRoomCard(s.req.Texts(c), g, l.Live); err != nil {
				return err
			}
		}
	}
	return s.forStrangers(c, about, "stranger.room", "stranger.room.text")
}

// serverForStrangers is a server's page for strangers.
func (s *Site) serverForStrangers(c *gin.Context) error {
	id, err := idOf(c, "guild", actions.ErrNoServer)
	var about *view.Card
	if err == nil {
		if g, ok := s.actions.ServerForAnybody(c.Request.Context(), id); ok {
			if about, err = s.serverCard(s.req.Texts(c), g); err != nil {
				return err
			}
		}
	}
	return s.forStrangers(c, about, "stranger.server", "stranger.server.text")
}

// found says that search engines may list the page, by its own name; about is the message that describes it.
func (s *Site) found(l *view.Layout, at pages.Path, about string) {
	l.Found, l.Card.URL = true, s.o.Links.At(at)
	if about != "" {
		l.Card.Title, l.Card.About = l.Title, l.Text.Say(about)
	}
}
