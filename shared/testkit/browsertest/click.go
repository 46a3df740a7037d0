package browsertest

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/chromedp"
)

// spot gives the middle of what a selector finds, and whether the mouse is there as the page knows it; or why a press
// would not reach it. A page that still loads is about to scroll to where its address leads.
const spot = `(selector) => {
	const e = document.querySelector(selector);
	if (!e) return { why: "it isn't there" };
	if (e.disabled) return { why: "it is disabled" };
	if (document.readyState !== "complete") return { why: "the page is loading" };
	const was = e.getClientRects()[0]?.y;
	e.scrollIntoView({ block: "center", behavior: "instant" });
	const r = e.getClientRects()[0];
	if (!r?.width || !r.height) return { why: "it isn't shown" };
	const x = r.x + r.width / 2, y = r.y + r.height / 2, top = document.elementFromPoint(x, y);
	if (!top) return { why: "it is out of view" };
	const reached = e.contains(top) || top.contains(e) || top.closest("label")?.contains(e);
	if (!reached) return { why: "it is below " + top.outerHTML.slice(0, 100) };
	return { x, y, over: top.matches(":hover"), scrolled: r.y !== was };
}`

// place is what spot says: where to press, or why not.
type place struct {
	X, Y     float64
	Over     bool
	Scrolled bool // for this look
	Why      string
}

// look is how often a page is looked at. It is done from here: where scripts are switched off, a page does not poll.
const look = 15 * time.Millisecond

// Click moves the mouse to the first element that a CSS selector finds, and
// presses it as soon as the page says that the mouse is there and the element
// stays where it is: a browser drops a press on a page that it has not drawn
// yet, and may scroll once more when it has. It looks and presses without holding on to the element, which a live
// page may replace by another at any moment.
func Click(selector string) chromedp.Action[chromedp.Void] {
	where := chromedp.Evaluate[place](fmt.Sprintf("(%s)(%q)", spot, selector))
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		tick := time.NewTicker(look)
		defer tick.Stop()
		var before place
		for {
			at, err := where(ctx, t)
			switch {
			case err != nil:
				at.Why = err.Error() // the page was left while it was looked at
			case at.Why != "":
			case at.Scrolled || at.X != before.X || at.Y != before.Y:
				at.Why = "it moves"
			case at.Over:
				return chromedp.MouseClickXY(at.X, at.Y)(ctx, t)
			default:
				for _, beside := range []float64{1, 0} { // the page knows of each when it has drawn itself again
					_, _ = chromedp.MouseEvent(chromedp.MouseMoved, at.X+beside, at.Y)(ctx, t) // the next look tells
				}
				at.Why = "the mouse doesn't get there"
			}
			if ctx.Err() != nil {
				return chromedp.Void{}, fmt.Errorf("%s cannot be pressed, %s: %w", selector, before.Why, ctx.Err())
			}
			before = at
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}
}
