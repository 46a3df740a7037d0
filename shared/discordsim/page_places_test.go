package discordsim_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"snug/shared/discordsim"
	"snug/shared/testkit"
	"snug/shared/testkit/browsertest"
)

// looks takes a picture into a folder that SNUG_PICTURES_OF_SIMULATOR names, if it does.
func (p *person) looks(name string) {
	p.Helper()
	folder := os.Getenv("SNUG_PICTURES_OF_SIMULATOR")
	if folder == "" {
		return
	}
	shot, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	testkit.NoError(p, err)
	testkit.NoError(p, os.WriteFile(folder+"/"+name+".png", shot, 0o600))
}

// browseWith opens the page as somebody with a window of another size.
func (w *world) browseWith(ctx context.Context, name string, window chromedp.Action[chromedp.Void]) *person {
	w.t.Helper()
	(&person{w.t, ctx, name}).do(window)
	return w.browse(ctx, name)
}

// fits fails the test if the page is wider than its window, or has made that wider.
func (p *person) fits(width int) {
	p.Helper()
	p.sees(fmt.Sprintf(`Math.max(document.documentElement.scrollWidth, innerWidth) <= %d`, width))
}

// TestPagePlaces: people start, find, close and reopen threads, post in forums, speak on a stage, and announce events,
// on a desktop and on a phone.
func TestPagePlaces(t *testing.T) {
	w := start(t)
	stage, err := w.AddChannel(w.Guild.ID, discordsim.ChannelOptions{Name: "Talks", Type: discordsim.ChannelStage})
	testkit.NoError(t, err)
	forum, err := w.AddChannel(w.Guild.ID, discordsim.ChannelOptions{Name: "questions", Type: discordsim.ChannelForum})
	testkit.NoError(t, err)
	_, err = w.SendMessage(w.Owner.ID, w.General.ID, "Who plays on Friday?")
	testkit.NoError(t, err)
	first := browsertest.Start(t)
	alice := w.browseWith(first, "alice", chromedp.EmulateViewport(1280, 800))
	bruno := w.browseWith(browsertest.Tab(t, first), "bruno",
		chromedp.EmulateViewport(390, 800, chromedp.EmulateMobile, chromedp.EmulateTouch))
	w.pageThreads(alice, bruno, forum)
	w.pageStage(alice, bruno, stage)
	pageEvents(alice, bruno)
}

// at opens a channel from the list.
func (p *person) at(channel discordsim.ID) {
	p.Helper()
	link := `[data-channel="` + channel.String() + `"] .chan`
	p.do(chromedp.Evaluate[struct{}](fmt.Sprintf("void document.querySelector(%q).click()", link)))
}

func (w *world) pageThreads(alice, bruno *person, forum discordsim.Channel) {
	alice.at(w.General.ID)
	alice.click(".message .more")
	alice.click("[data-thread=from]")
	alice.sees(`document.activeElement.id === "thread-name"`)
	alice.press(kb.Enter)
	alice.reads(".asker .problem", "It needs a name")
	alice.press("Friday", kb.Enter)
	alice.reads(".chat-head h1", "Friday")
	alice.reads(".chat-head p", "Thread in "+w.General.Name)
	alice.press("I do", kb.Enter)
	alice.reads(".message", "I do")
	alice.fits(1280)
	alice.looks("thread-1280")

	bruno.click(".menu-button")
	bruno.reads(".thread.fresh", "Friday")
	bruno.click(".thread .chan")
	bruno.reads(".message", "I do")
	bruno.click("[data-thread=join]")
	bruno.reads("[data-thread=join]", "Leave thread")
	bruno.fits(390)
	bruno.looks("thread-390")

	alice.click("[data-thread=close]")
	bruno.sees(`!document.querySelector(".thread")`)
	alice.at(w.General.ID)
	alice.click("[data-thread=new]")
	alice.reads(".closed-threads", "Friday")
	alice.looks("threads-1280")
	alice.click(".closed-threads button")
	alice.reads(".chat-head h1", "Friday")

	bruno.at(forum.ID)
	bruno.click("[data-thread=new]")
	bruno.sees(`document.activeElement.id === "thread-name"`)
	bruno.press("Which dice?", kb.Tab, "Six or twenty sides?")
	bruno.fits(390)
	bruno.looks("post-390")
	bruno.click(".asker .go")
	bruno.reads(".message", "Six or twenty sides?")
	alice.reads(".thread", "Which dice?")
}

func (w *world) pageStage(alice, bruno *person, stage discordsim.Channel) {
	alice.at(stage.ID)
	alice.reads(".chat-head p", "Nothing is on stage")
	alice.click("[data-stage=start]")
	alice.sees(`document.activeElement.id === "stage-topic"`)
	alice.press("Dice for beginners", kb.Enter)
	alice.reads(".chat-head p", "On stage: Dice for beginners")
	bruno.at(stage.ID)
	bruno.reads(".chat-head p", "On stage: Dice for beginners")
	bruno.click(".chat-head .go")
	bruno.click("[data-stage=speak]")
	bruno.reads("[data-stage=speak]", "Don't ask to speak")
	bruno.fits(390)
	bruno.looks("stage-390")
	alice.sees(`document.querySelector(".seat [data-mark=stage]")`)
	alice.looks("stage-1280")
	alice.click(".seat")
	alice.click("[data-stage=turn]")
	bruno.reads("[data-stage=speak]", "Stop speaking")
	alice.click("[data-stage=end]")
	bruno.reads(".chat-head p", "Nothing is on stage")
}

func pageEvents(alice, bruno *person) {
	alice.click("[data-panel=events]")
	alice.reads(".events", "Nothing is announced")
	alice.click("[data-add=event] summary")
	alice.do(chromedp.SendKeys(chromedp.CSS("#event-name"), "Draft night"+kb.Enter))
	alice.reads(".event", "Draft night")
	alice.looks("events-1280")
	bruno.click("[data-panel=events]")
	bruno.click("[data-event=Interested]")
	bruno.reads(".event", "1 person interested")
	bruno.sees(`document.querySelector("[data-event='Not interested']")`)
	bruno.fits(390)
	bruno.looks("events-390")
	alice.reads(".event", "1 person interested")
	alice.click("[data-event=Start]")
	bruno.reads(".event", "Now")
	alice.click("[data-event=End]")
	bruno.reads(".events", "Nothing is announced")
}

// follows presses a link that leads to another page, and waits for that.
func (p *person) follows(selector string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, testkit.Patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, browsertest.Click(selector)); err != nil {
		p.Fatalf("%s follows %s: %v", p.name, selector, err)
	}
}

// TestPageKeepsPerson: whoever chose once stays that, on the front page, on invites and on links into channels, until
// they ask for the list of people; a tab can be somebody else.
func TestPageKeepsPerson(t *testing.T) {
	w := start(t)
	invite := w.bot("POST", "/channels/"+w.General.ID.String()+"/invites", map[string]any{}).must(t, 200).str("code")
	first := browsertest.Start(t)
	p := &person{t, first, "somebody"}
	open := func(p *person, path string) { p.do(chromedp.Navigate(w.base + path)) }
	// The page may lead on while it is asked, so that one question can stay without an answer.
	is := func(p *person, name string) {
		testkit.Eventually(t, "the page is "+name+"'s", func() bool {
			ctx, cancel := context.WithTimeout(p.ctx, time.Second)
			defer cancel()
			ready, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body?.dataset.ready ?? ''"))
			return err == nil && ready == name
		})
	}

	open(p, "/")
	p.reads("h2", "Who do you want to be?")
	p.follows("[data-as=bruno]")
	is(p, "bruno")
	other := &person{t, browsertest.Tab(t, first), "another tab"}
	for _, path := range []string{"/", "/channels/" + w.Guild.ID.String() + "/" + w.General.ID.String(),
		"/invite/" + invite} {
		open(other, path)
		is(other, "bruno")
	}
	other.follows(".brand")
	other.reads("h2", "Who do you want to be?")
	other.follows("[data-as=alice]")
	is(other, "alice")
	p.sees(`document.querySelector(".self").innerText.includes("Bruno")`)
	open(p, "/?as=bruno")
	is(p, "bruno")
	open(p, "/?choose&as=nobody")
	p.reads(".notice", "Nobody here is called nobody")
}
