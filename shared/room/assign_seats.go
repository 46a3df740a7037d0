package room

// AssignSeats returns the seat number of each person in the roster, starting at 1, and 0 for bots. People
// keep the seat they have; the others, in the order they joined, get the lowest free number. In a room with
// more people than seats the numbers exceed seats. The browser's script (static) counts in the same way.
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
