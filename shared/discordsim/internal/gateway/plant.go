package gateway

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"snug/shared/discordsim/internal/world/form"
)

// plant returns a dispatch as Discord might send it in the future: every object has an unknown
// field, every enum an unknown value, every bit set an unknown bit, and every list of typed objects
// one of an unknown type. The event's meaning stays the same.
func plant(data []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return data
	}
	return form.Marshal(planted("", v))
}

const tomorrow = 99 // a type, or value of an enum, that Discord doesn't have yet

// From Discord's documentation: fields that are enums, bit sets, and lists of typed objects.
var (
	plantEnums = words("verification_level nsfw_level explicit_content_filter default_message_notifications " +
		"mfa_level premium_tier premium_type video_quality_mode privacy_level context")
	plantFlags = words("flags public_flags system_channel_flags")
	plantBits  = words("permissions app_permissions allow deny")
	plantLists = words("channels threads permission_overwrites stage_instances guild_scheduled_events " +
		"soundboard_sounds activities options entitlements stickers emojis")
	// plantShapes are fields whose shape Discord has changed before, or may change.
	plantShapes = words("avatar_decoration_data collectibles primary_guild clan banner_color " +
		"safety_alerts_channel_id incidents_data latest_onboarding_question_id")
	// plantMaps are objects keyed by ids, which get no unknown field.
	plantMaps = words("users members roles channels messages attachments authorizing_integration_owners")
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

func planted(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, inner := range v {
			v[k] = planted(k, inner)
		}
		if !plantMaps[name] {
			v["tomorrow"] = map[string]any{"list": []any{1, "two", nil}, "type": tomorrow}
		}
		if _, user := v["username"]; user {
			for k := range plantShapes {
				v[k] = []any{map[string]any{"new": true}}
			}
		}
		return v
	case []any:
		for i, inner := range v {
			v[i] = planted("", inner)
		}
		switch {
		case name == "features":
			return append(v, "TOMORROW")
		case plantLists[name]:
			id := strconv.Itoa(1000 + len(name))
			return append(v,
				map[string]any{"id": id, "type": tomorrow, "name": "tomorrow", "value": []any{},
					"parent_id":             map[string]any{},
					"permission_overwrites": map[string]any{}, "allow": []any{}, "created_at": "tomorrow",
					"status": "x"})
		}
		return v
	case json.Number:
		switch {
		case plantEnums[name]:
			return tomorrow
		case plantFlags[name]:
			n, _ := v.Int64()
			return n | 1<<50
		}
	case string:
		if n, ok := new(big.Int).SetString(v, 10); ok && plantBits[name] {
			return n.SetBit(n, 70, 1).String()
		}
	}
	return v
}
