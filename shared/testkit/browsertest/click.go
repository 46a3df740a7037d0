package browsertest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/chromedp/chromedp"
)

// spot gives the middle of what a selector finds, where a press would reach it; null while it would not. A page that
// still loads is about to scroll to where its address leads.
const spot = `(selector) => {
	const e = document.querySelector(selector);
	if (!e || e.disabled || document.readyState !== "complete") return null;
	e.scrollIntoView({ block: "center", behavior: "instant" });
	const r = e.getClientRects()[0];
	if (!r?.width || !r.height) return null;
	const x = r.x + r.width / 2, y = r.y + r.height / 2, top = document.elementFromPoint(x, y);
	return top && (e.contains(top) || top.contains(e) || top.closest("label")?.contains(e)) ? [x, y] : null;
}`

// look is how often a page is looked at. It is done from here: where scripts are switched off, a page does not poll.
const look = 15 * time.Millisecond

// Click presses the mouse on the first element that a CSS selector finds, as
// soon as it can be reached and stays where it is. It looks and presses without
// holding on to the element, which a live page may replace by another at any moment.
func Click(selector string) chromedp.Action[chromedp.Void] {
	where := chromedp.Evaluate[[]float64](fmt.Sprintf("(%s)(%q)", spot, selector))
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		tick := time.NewTicker(look)
		defer tick.Stop()
		var before []float64
		for {
			at, err := where(ctx, t)
			if err == nil && at != nil && slices.Equal(at, before) {
				return chromedp.MouseClickXY(at[0], at[1])(ctx, t)
			}
			before = at // it is not there yet, it moves, or the page was left while it was looked at
			select {
			case <-tick.C:
			case <-ctx.Done():
				return chromedp.Void{}, fmt.Errorf("%s cannot be pressed: %w", selector, ctx.Err())
			}
		}
	}
}
