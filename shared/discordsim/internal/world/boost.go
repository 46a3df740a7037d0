package world

// boostsFor are the boosts that the tiers from 1 on need ("Server Boosting FAQ" in Discord's help).
var boostsFor = [...]int{2, 7, 14}

// Tier returns the guild's boost tier, 0 to 3 ("Premium Tier" in Discord's document of the guild).
func (g *Guild) Tier() int {
	tier := 0
	for _, need := range boostsFor {
		if g.Boosts >= need {
			tier++
		}
	}
	return tier
}

// MaxBitrate returns the highest bitrate of a voice channel, which depends on the boost tier.
func (g *Guild) MaxBitrate() int { return [...]int{96000, 128000, 256000, 384000}[g.Tier()] }
