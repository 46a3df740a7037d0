package discordsim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"snug/shared/discordsim"
)

// TestEntitlements: what an application sells, and who has it.
// https://docs.discord.com/developers/resources/entitlement
func TestEntitlements(t *testing.T) {
	t.Parallel()
	w := start(t)
	app := w.Application.ID
	sku := func(name, kind string) discordsim.ID {
		id, err := w.AddSKU(app, name, kind)
		w.ok(err)
		return id
	}
	gold, dice, lamp := sku("Gold", "guild_subscription"), sku("Dice", "consumable"), sku("Lamp", "durable")
	if _, err := w.AddSKU(app, "x", "cake"); err == nil || !strings.Contains(err.Error(), "guild_subscription") {
		t.Errorf("%v", err)
	}
	bot, _ := w.login(nil)
	at, carol := fmt.Sprintf("/applications/%d/entitlements", app), w.Users[2]
	test := func(sku, owner discordsim.ID, kind int) map[string]any {
		return map[string]any{"sku_id": sku, "owner_id": owner, "owner_type": kind}
	}
	skus := w.bot("GET", fmt.Sprintf("/applications/%d/skus", app), nil).must(t, 200)
	if n := strings.Count(string(skus.raw), `"slug":"gold"`); n != 2 {
		t.Errorf("a subscription comes with a group: %s", skus.raw)
	}
	one := at + "/" + w.bot("POST", at, test(gold, w.Guild.ID, 1)).must(t, 200).str("id")
	var made struct {
		SKU   discordsim.ID `json:"sku_id"`
		Guild discordsim.ID `json:"guild_id"`
		Ends  *string       `json:"ends_at"`
		Type  int           `json:"type"`
	}
	bot.until("ENTITLEMENT_CREATE", &made)
	if made.SKU != gold || made.Guild != w.Guild.ID || made.Ends != nil || made.Type != 8 {
		t.Errorf("%+v", made)
	}
	roll := at + "/" + w.bot("POST", at, test(dice, carol.ID, 2)).must(t, 200).str("id")
	bought, err := w.Buy(app, lamp, carol.ID, 0)
	w.ok(err)
	for _, tc := range []struct {
		name         string
		method, path string
		body         any
		status, code int
	}{
		{"of another application", "GET", "/applications/1/entitlements", nil, 404, 10002},
		{"without an owner", "POST", at, map[string]any{"sku_id": dice, "owner_type": 2}, 400, 50035},
		{"of no type", "POST", at, test(dice, carol.ID, 3), 400, 50035},
		{"to what isn't sold", "POST", at, test(17, carol.ID, 2), 404, 10027},
		{"for nobody", "POST", at, test(dice, 17, 2), 404, 10013},
		{"for no guild", "POST", at, test(gold, 17, 1), 404, 10004},
		{"a guild's for a user", "POST", at, test(gold, carol.ID, 2), 400, 50035},
		{"the same again", "POST", at, test(gold, w.Guild.ID, 1), 400, 40074},
		{"a consumable one again", "POST", at, test(dice, carol.ID, 2), 200, 0},
		{"shown", "GET", one, nil, 200, 0},
		{"none", "GET", at + "/17", nil, 404, 10029},
		{"consumes what lasts", "POST", one + "/consume", nil, 400, 0},
		{"consumes", "POST", roll + "/consume", nil, 204, 0},
		{"consumes again", "POST", roll + "/consume", nil, 400, 0},
		{"deletes what was bought", "DELETE", at + "/" + bought.String(), nil, 404, 10029},
		{"deletes", "DELETE", one, nil, 204, 0},
		{"deletes again", "DELETE", one, nil, 404, 10029},
		{"lists too many", "GET", at + "?limit=101", nil, 400, 50035},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := w.bot(tc.method, tc.path, tc.body).must(t, tc.status)
			if got.code() != tc.code {
				t.Errorf("code %d instead of %d: %s", got.code(), tc.code, got.raw)
			}
		})
	}
	bot.until("ENTITLEMENT_UPDATE", nil)
	bot.until("ENTITLEMENT_DELETE", nil)
	saved, err := w.Snapshot()
	w.ok(err)
	w.ok(w.RestoreSnapshot(saved))
	list := func(query string, want int) {
		t.Helper()
		got := w.bot("GET", at+query, nil)
		if n := strings.Count(string(got.raw), `"sku_id"`); n != want {
			t.Errorf("%s lists %d, not %d: %s", query, n, want, got.raw)
		}
	}
	w.ok(w.EndEntitlement(app, bought, time.Now().Add(-time.Hour)))
	list("", 3)
	list("?exclude_deleted=false", 4)
	list("?exclude_ended=true", 2)
	list("?limit=1", 1)
	list("?sku_ids=17,"+dice.String(), 2)
	list("?user_id="+w.Owner.ID.String(), 0)
	list("?after="+bought.String(), 1)
}

// TestEntitled: a bot sees in an interaction what the person has bought, and what was bought for the server.
func TestEntitled(t *testing.T) {
	t.Parallel()
	w := start(t)
	app, carol := w.Application.ID, w.Users[2]
	w.bot("PUT", fmt.Sprintf("/applications/%d/commands", app),
		[]map[string]any{{"name": "buy", "description": "x"}}).must(t, 200)
	control := func(method, path string, body any) answer {
		return w.control(method, fmt.Sprintf("/applications/%d%s", app, path), body)
	}
	sku := func(kind string) string {
		return control("POST", "/skus", map[string]any{"name": "Gold", "type": kind}).must(t, 200).str("sku_id")
	}
	mine, ours := sku("user_subscription"), sku("guild_subscription")
	buy := func(sku string, user, guild any) answer {
		return control("POST", "/entitlements", map[string]any{"sku_id": sku, "user_id": user, "guild_id": guild})
	}
	buy(mine, carol.ID, w.Guild.ID).must(t, 400)
	buy(mine, carol.ID, 0).must(t, 200)
	buy(mine, w.Owner.ID, 0).must(t, 200)
	last := buy(ours, w.Owner.ID, w.Guild.ID).must(t, 200).str("entitlement_id")
	bot, _ := w.login(nil)
	has := func(want ...string) {
		t.Helper()
		_, err := w.answering(bot, w.run(carol, "buy", nil), func(a act) {
			if !slices.Equal(a.SKUs, want) || len(a.Entitlements) != len(want) {
				t.Errorf("%v, not %v", a.SKUs, want)
			}
			w.bot("POST", a.callback(), map[string]any{"type": 4, "data": map[string]any{"content": "x"}}).must(t, 204)
		})
		w.ok(err)
	}
	has(mine, ours)
	control("PATCH", "/entitlements/"+last, map[string]any{"ends_at": "2020-01-01T00:00:00Z"}).must(t, 204)
	bot.until("ENTITLEMENT_UPDATE", nil)
	has(mine)
	control("DELETE", "/entitlements/"+last, nil).must(t, 204)
	bot.until("ENTITLEMENT_DELETE", nil)
	control("DELETE", "/entitlements/"+last, nil).must(t, 404)
}
