package lenient

import (
	"encoding/json"
	"math/big"
	"reflect"
	"strings"

	"github.com/disgoorg/disgo/discord"
)

// substitutes are the types as which channels of an unknown type are decoded. Snug doesn't use
// media channels, so such a channel is listed and counted but otherwise ignored. The channel of an
// interaction is one where people can write.
var substitutes = map[reflect.Type]discord.ChannelType{
	reflect.TypeFor[discord.UnmarshalChannel]():   discord.ChannelTypeGuildMedia,
	reflect.TypeFor[discord.InteractionChannel](): discord.ChannelTypeGuildText,
}

// commonFields are the fields that every channel has.
var commonFields = []string{
	"id", "guild_id", "name", "position", "parent_id", "permission_overwrites", "permissions", "flags",
}

// substitute decodes a replacement for a value that its own type rejected.
func substitute(data []byte, to reflect.Value, err error) error {
	if to.Type() == reflect.TypeFor[discord.Permissions]() {
		return lowBits(data, to, err)
	}
	as, ok := substitutes[to.Type()]
	var fields map[string]json.RawMessage
	if !ok || json.Unmarshal(data, &fields) != nil {
		return err
	}
	var t int
	if json.Unmarshal(fields["type"], &t) != nil {
		return err
	}
	known := map[string]any{"type": as}
	for _, name := range commonFields {
		if v, there := fields[name]; there {
			known[name] = v
		}
	}
	b, _ := json.Marshal(known)
	if bad := unmarshalStrict(b, to.Addr().Interface()); bad != nil {
		to.SetZero()
		return err
	}
	report(to.Type(), "", err)
	return nil
}

// lowBits decodes a number of more than 63 bits without the higher ones: permissions and flags are
// bit sets, and Snug knows none of those bits.
func lowBits(data []byte, to reflect.Value, err error) error {
	n, ok := new(big.Int).SetString(strings.Trim(string(data), `"`), 10)
	if !ok || n.Sign() < 0 || n.IsInt64() {
		return err
	}
	low := new(big.Int).And(n, big.NewInt(1<<63-1)).Int64()
	if to.OverflowInt(low) {
		return err
	}
	to.SetInt(low)
	report(to.Type(), "", err)
	return nil
}
