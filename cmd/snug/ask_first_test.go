package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"snug/dashboard/view"
	"snug/shared/testkit/browsertest"
)

// TestAskFirst: who bans somebody is offered the way back, and handing over and revoking ask first, with scripts and
// without. Whoever says no keeps what they have.
func TestAskFirst(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		t.Run(fmt.Sprintf("scripts %v", scripts), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, unhurried)
			owner := h.signIn("alice")
			id := owner.open("Friday")
			status, out := owner.api(http.MethodPost, "/rooms/"+id+"/invites", map[string]any{"uses": 3})
			if status != http.StatusCreated {
				t.Fatalf("no invite: %d %v", status, out)
			}
			_, token, _ := strings.Cut(out["url"].(string), "/i/")
			for _, name := range []string{"bruno", "chiyo", "dmitri"} {
				if status, out := h.signIn(name).api(http.MethodPost, "/invites/redeem",
					map[string]any{"code": token}); status != http.StatusOK {
					t.Fatalf("%s is not let in: %d %v", name, status, out)
				}
			}
			bruno, chiyo, dmitri := h.user("bruno").ID, h.user("chiyo").ID, h.user("dmitri").ID
			p := h.browse(browsertest.Start(t), "alice")
			p.goTo("/game/" + id)
			if scripts {
				p.live()
			} else {
				p.scriptless()
				p.do("open the room anew", chromedp.Navigate(p.at("/game/"+id)))
			}
			look := func(what string) {
				for _, width := range []int64{390, 1280} {
					for _, theme := range []string{"light", "dark"} {
						p.do("look", chromedp.EmulateViewport(width, 844),
							chromedp.Evaluate[chromedp.Void](
								fmt.Sprintf(`void (document.documentElement.dataset.theme = %q)`, theme)))
						if scripts {
							p.picture(fmt.Sprintf("ask-%s-%d-%s", what, width, theme))
						}
						if read[bool](p, `document.documentElement.scrollWidth > innerWidth`) {
							t.Errorf("%s is too wide at %d", what, width)
						}
					}
				}
			}
			more := func(user any) string {
				return fmt.Sprintf(`#control .people-list li:has([name="user"][value="%d"])`, user)
			}
			open := func(dialog string) string {
				return fmt.Sprintf(`document.querySelector('%s').matches(':modal, :popover-open')`, dialog)
			}

			p.do("ban Chiyo", browsertest.Click(more(chiyo)+" summary"),
				browsertest.Click(more(chiyo)+` [value="ban"]`))
			p.reads("the offer to allow her again", `document.querySelector('#banned [value="unban"]') !== null`)
			look("banned")
			p.do("allow her again", browsertest.Click(`#banned [value="unban"]`))
			p.reads("nobody kept out, and no offer",
				`!document.querySelector('#bans-h') && !document.querySelector('#banned')`)

			if scripts {
				p.idle()
			}
			// The offer goes by itself, and he stays kept out.
			p.do("ban Dmitri", browsertest.Click(more(dmitri)+" summary"),
				browsertest.Click(more(dmitri)+` [value="ban"]`))
			p.reads("the offer again", `document.querySelector('#banned [value="unban"]') !== null`)
			if !scripts {
				h.clock.Forward(view.UndoFor)
				p.do("open the room anew", chromedp.Navigate(p.at("/game/"+id)))
			}
			p.readsWithin(view.UndoFor+5*time.Second, "no offer, and whom she keeps out",
				`!document.querySelector('#banned') && document.querySelector('#bans-h')`)

			give := fmt.Sprintf("#dlg-transfer-%d", bruno)
			ask := func() {
				p.do("hand the room to Bruno", browsertest.Click(more(bruno)+" summary"),
					browsertest.Click(more(bruno)+` [data-ask="transfer"]`))
				p.reads("that it asks", open(give))
			}
			ask()
			look("hand-over")
			p.do("keep it", browsertest.Click(give+" .quiet"))
			p.reads("no question", "!"+open(give))
			if _, out := owner.api(http.MethodGet, "/rooms/"+id+"/members",
				nil); fmt.Sprint(out["owner"]) != h.user("alice").ID.String() {
				t.Errorf("the room that she kept is %v's", out["owner"])
			}

			const revoke = `#invites [data-dialog^="dlg-revoke-"]`
			before := read[int](p, `document.querySelectorAll('#invites .url').length`)
			p.do("revoke a link", browsertest.Click(revoke))
			p.reads("that it asks", open(`#invites .dlg`))
			look("revoke")
			p.do("keep it", browsertest.Click(`#invites .dlg .quiet`))
			p.reads("all links still",
				fmt.Sprintf(`!%s && document.querySelectorAll('#invites .url').length === %d`, open(`#invites .dlg`),
					before))
			p.do("revoke it", browsertest.Click(revoke), browsertest.Click(`#invites .dlg form button`))
			p.reads("a link less", fmt.Sprintf(`document.querySelectorAll('#invites .url').length === %d`, before-1))

			if scripts {
				p.idle()
			}
			ask()
			p.do("transfer it", browsertest.Click(give+" form button"))
			h.eventually("the room is Bruno's", func() bool {
				_, out := owner.api(http.MethodGet, "/rooms/"+id+"/members", nil)
				return fmt.Sprint(out["owner"]) == bruno.String()
			})
		})
	}
}
