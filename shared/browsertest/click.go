package browsertest

import (
	"context"
	"slices"

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

// Click presses the mouse on the first element that a CSS selector finds, as
// soon as it can be reached and stays where it is. It looks and presses without
// holding on to the element, which a live page may replace by another at any moment.
func Click(selector string) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		var before []float64
		for {
			at, err := chromedp.PollFunction[[]float64](spot, chromedp.WithPollingArgs(selector))(ctx, t)
			switch {
			case err == nil && slices.Equal(at, before):
				return chromedp.MouseClickXY(at[0], at[1])(ctx, t)
			case err != nil && ctx.Err() != nil:
				return chromedp.Void{}, err
			} // else it moves, or the page was left while it was looked at
			before = at
		}
	}
}
