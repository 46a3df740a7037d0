package request

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"

	"snug/dashboard/card"
	"snug/dashboard/lastknown"
	"snug/dashboard/view"
	"snug/shared/pages"
	"snug/shared/text"
)

// Private keeps an answer out of every cache.
func Private(c *gin.Context) { c.Header("Cache-Control", "no-store") }

// Layout gives what every page has.
func (rs *Requests) Layout(c *gin.Context, title string) view.Layout {
	l := view.Layout{
		Title: title, Path: PagePath(c.Request), Now: rs.now(), AddURL: rs.o.AddURL, Demo: rs.o.Demo,
		DiscordURL: rs.o.DiscordURL,
	}
	if theme, err := c.Request.Cookie(view.ThemeCookie); err == nil {
		l.Theme = view.ThemeOf(theme.Value)
	}
	l.Text = rs.Texts(c)
	l.Card = rs.ownCard(l.Text)
	if me, err := rs.Me(c); err == nil {
		l.Me = &view.Me{ID: me.User.ID, Name: me.User.DisplayName, Avatar: me.User.Avatar}
	}
	return l
}

// ownCard is Snug's own card. It says the same whatever the page is.
func (rs *Requests) ownCard(t text.Texts) *view.Card {
	return &view.Card{
		Title: t.Say("land.title"), About: t.Say("card.about"), Alt: AltOf(t, card.Own()),
		Picture: pages.Site{Base: rs.o.Base.String()}.At(pages.Card, OwnPicture),
	}
}

// AltOf says what a card's picture shows.
func AltOf(t text.Texts, c card.Card) string {
	if c.Quiet {
		return t.Say("card.alt")
	}
	return t.Say("card.alt") + ": " + t.Say("room-card.sum", "Taken", c.Taken, "Count", c.Seats)
}

// OwnPicture is the name of the picture of Snug's own card.
const OwnPicture = "snug.png"

// Page answers with a page. Search engines may list it only if its layout says so, and nothing went wrong.
func (rs *Requests) Page(c *gin.Context, status int, p view.Page) error {
	l := view.LayoutOf(p)
	l.AsOf = lastknown.AsOf(c.Request.Context())
	if l.Found = l.Found && status == http.StatusOK; l.Found {
		c.Writer.Header().Del("X-Robots-Tag")
	}
	rs.tellHeard(p)
	return rs.o.View.Render(c.Writer, status, p)
}

// message answers with a page of a sentence. If even that fails, plain text has to do.
func (rs *Requests) message(c *gin.Context, status int, m *view.Message) {
	if err := rs.Page(c, status, m); err != nil {
		rs.log.ErrorContext(c, "page not rendered", "request_id", InfoOf(c).ID, "err", err)
		if !c.Writer.Written() {
			http.Error(c.Writer, m.Sentence, status)
		}
	}
}

// Reply answers a program.
func Reply(c *gin.Context, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.Header("Content-Type", "application/json")
	c.Status(status)
	_, _ = c.Writer.Write(b) // who asked may have gone
	return nil
}

// Redirect answers a form by leading to a page.
func Redirect(c *gin.Context, to string) error {
	c.Redirect(http.StatusSeeOther, to)
	return nil
}

// Texts gives what a visitor reads: in the language they chose, else in their browser's.
func (rs *Requests) Texts(c *gin.Context) text.Texts {
	chosen := ""
	if cookie, err := c.Request.Cookie(view.LangCookie); err == nil {
		chosen = cookie.Value
	}
	return rs.o.View.Texts(chosen, c.GetHeader("Accept-Language"))
}

// HeardPath is the API's operation that says whether Discord is heard, below APIPrefix.
const HeardPath = "/heard"

// MaxHeard is about how many servers a page asks at most whether Discord is heard; who sees more servers is told of
// these.
const MaxHeard = 50

// tellHeard has a page that tells of servers say when Discord is not heard, and since when.
func (rs *Requests) tellHeard(p view.Page) {
	guilds, l := view.About(p), view.LayoutOf(p)
	if len(guilds) == 0 || !l.AsOf.IsZero() { // then the page says already how old it is
		return
	}
	if ok, silent := rs.o.Hears(guilds...); !ok {
		l.Unheard = l.Now.Add(-silent)
	}
	q := url.Values{}
	for _, g := range guilds[:min(len(guilds), MaxHeard)] {
		q.Add("guild", g.String())
	}
	l.HeardPath = HeardPath + "?" + q.Encode()
}

// WantsJSON says whether a program asked.
func WantsJSON(r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		return true
	}
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}
