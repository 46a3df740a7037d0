package plan_test

import (
	"strings"
	"testing"

	"snug/shared/discordsim"
	"snug/shared/discordsim/plan"
)

const friends = `
people:
  - {username: alice, global_name: Alice}
  - {username: bruno, locale: de, dms_closed: true}
applications:
  - name: Rooms
    token: MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y
    skus: [{name: Gold, type: guild_subscription}, {name: Dice, type: consumable}]
guilds:
  - name: Friends
    owner: alice
    everyone: VIEW_CHANNEL
    roles:
      - {name: Moderator, permissions: "MOVE_MEMBERS, MUTE_MEMBERS"}
    members:
      - {user: bruno, nick: B, roles: [Moderator]}
    bots:
      - {application: Rooms, permissions: "VIEW_CHANNEL|MANAGE_CHANNELS"}
    channels:
      - {name: Tables, type: category}
      - name: Den
        type: voice
        category: Tables
        user_limit: 4
        overwrites:
          - {role: "@everyone", deny: CONNECT}
          - {member: bruno, allow: CONNECT}
entitlements:
  - {application: Rooms, sku: Gold, user: bruno, guild: Friends}
  - {application: Rooms, sku: Dice, user: alice}
`

func TestBuild(t *testing.T) {
	t.Parallel()
	p, err := plan.Read([]byte(friends))
	if err != nil {
		t.Fatal(err)
	}
	s := discordsim.New(discordsim.Options{})
	b, err := plan.Build(s, p)
	if err != nil {
		t.Fatal(err)
	}
	if a := b.Applications["Rooms"]; a.BotToken != "MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y" || a.ID != 123456789012345678 {
		t.Errorf("the bot's token is %s, its id %s: the token's first part is the id", a.BotToken, a.ID)
	}
	g := b.Guilds[0]
	for _, tc := range []struct {
		who   discordsim.ID
		want  discordsim.Permissions
		lacks discordsim.Permissions
	}{
		{b.People["alice"].ID, discordsim.AllPermissions, 0},
		{b.People["bruno"].ID, discordsim.PermConnect | discordsim.PermMoveMembers, discordsim.PermManageChannels},
		{b.Applications["Rooms"].ID, discordsim.PermViewChannel, discordsim.PermConnect},
	} {
		got, err := s.PermissionsIn(tc.who, g.Channels["Den"].ID)
		if err != nil || !got.Has(tc.want) || got&tc.lacks != 0 {
			t.Errorf("%s may %v, %v", tc.who, got.Names(), err)
		}
	}
	if again, err := plan.Build(s, plan.World{}); err != nil || len(again.Guilds) != 0 {
		t.Errorf("an empty plan makes %+v, %v", again, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, old, new, want string }{
		{"a field that doesn't exist", "global_name", "display_name", "display_name"},
		{"no YAML", "people:", "people: [", "YAML or JSON"},
		{"an owner nobody knows", "owner: alice", "owner: carol", `owner "carol"`},
		{"a member nobody knows", "user: bruno", "user: carol", `member "carol": they aren't`},
		{"a role nobody made", "roles: [Moderator]", "roles: [Mod]", `role "Mod"`},
		{"a permission there isn't", "MUTE_MEMBERS", "MUTE_PEOPLE", "MUTE_PEOPLE"},
		{"a type there isn't", "type: voice", "type: video", `type is "video"`},
		{"no category before it", "category: Tables", "category: Chairs", `in "Chairs", but`},
		{"an overwrite for nobody", "member: bruno, allow", "member: carol, allow", `for "carol"`},
		{"a bot nobody made", "application: Rooms", "application: Chess", `bot "Chess"`},
		{"a token twice", "guilds:",
			"  - {name: Other, token: MTIzNDU2Nzg5MDEyMzQ1Njc4.x.y}\nguilds:", "has its token"},
		{"a SKU there isn't", "sku: Dice", "sku: Cards", `sells no "Cards"`},
		{"a SKU of no type", "type: consumable", "type: dice", `has the type "dice"`},
		{"a SKU twice", "name: Dice", "name: Gold", `SKU "Gold": its name is there twice`},
		{"what nobody can buy", "user: alice}", "user: carol}", `entitlement of "carol": they aren't`},
		{"for a guild there isn't", "guild: Friends}", "guild: Foes}", `no guild "Foes"`},
		{"a guild's subscription for nobody", ", guild: Friends}", "}", "bought for a guild"},
		{"the same person twice", "username: bruno", "username: alice", `"alice": its name is there twice`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := plan.Read([]byte(strings.Replace(friends, tc.old, tc.new, 1)))
			if err == nil {
				_, err = plan.Build(discordsim.New(discordsim.Options{}), p)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("it says %v, not %s", err, tc.want)
			}
		})
	}
}
