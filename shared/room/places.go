package room

// AssignSeats gives for everybody in a roster where they sit in a room with so many seats, from 1, and 0 for
// bots. Who has a seat keeps it; who has none, or one that is no more, gets the least that is free, who came
// first at first. Who sits past the seats has a place too. Pages count in the same way.
func AssignSeats(roster []Person, seats int) []int {
	places, taken := make([]int, len(roster)), map[int]bool{}
	most := max(seats, Occupied(roster))
	for i, p := range roster {
		if !p.Bot && p.Seat > 0 && p.Seat <= most && !taken[p.Seat] {
			places[i], taken[p.Seat] = p.Seat, true
		}
	}
	next := 1
	for i, p := range roster {
		if p.Bot || places[i] != 0 {
			continue
		}
		for taken[next] {
			next++
		}
		places[i], taken[next] = next, true
	}
	return places
}
