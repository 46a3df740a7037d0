package push

import (
	"sync"

	"github.com/disgoorg/snowflake/v2"

	"snug/shared/push"
)

// people are those who chose something about notifications, as the hub has them. It is safe for concurrent use.
type people struct {
	mu        sync.RWMutex
	all       map[snowflake.ID]push.Person
	trustedBy map[snowflake.ID]map[snowflake.ID]bool // who trusts somebody and wants to hear of them
	loaded    bool                                   // all of the hub's have come
	unsealed  map[snowflake.ID]bool                  // whose devices were not looked at since they changed: reseal
}

func newPeople() *people {
	p := &people{}
	p.reset()
	return p
}

func (p *people) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all, p.trustedBy = map[snowflake.ID]push.Person{}, map[snowflake.ID]map[snowflake.ID]bool{}
	p.unsealed, p.loaded = map[snowflake.ID]bool{}, false
}

// caught notes that all of the hub's have come.
func (p *people) caught() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loaded = true
}

// set takes what somebody chose; nil: they no longer chose anything.
func (p *people) set(key string, v *push.Person) {
	user, err := snowflake.Parse(key)
	if err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.all[user].Trusted {
		if delete(p.trustedBy[f.UserID], user); len(p.trustedBy[f.UserID]) == 0 {
			delete(p.trustedBy, f.UserID)
		}
	}
	delete(p.all, user)
	delete(p.unsealed, user)
	if v == nil {
		return
	}
	p.all[user] = *v
	if len(v.Devices) == 0 {
		return
	}
	p.unsealed[user] = true
	if !v.Wants(push.Trusted) {
		return
	}
	for _, f := range v.Trusted {
		if p.trustedBy[f.UserID] == nil {
			p.trustedBy[f.UserID] = map[snowflake.ID]bool{}
		}
		p.trustedBy[f.UserID][user] = true
	}
}

// get returns what somebody chose.
func (p *people) get(user snowflake.ID) (push.Person, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	v, ok := p.all[user]
	return v, ok
}

// whoTrust lists those who want to hear of somebody.
func (p *people) whoTrust(user snowflake.ID) (list []snowflake.ID) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for u := range p.trustedBy[user] {
		list = append(list, u)
	}
	return list
}

// wants reports whether all that people chose is known, whether anybody has a browser for notifications, and whether
// anybody wants to hear of people they trust.
func (p *people) wants() (loaded, any, trusted bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, v := range p.all {
		if len(v.Devices) > 0 {
			return p.loaded, true, len(p.trustedBy) > 0
		}
	}
	return p.loaded, false, false
}

// toReseal returns those whose devices were not looked at since they changed, and forgets that they weren't.
func (p *people) toReseal() (list []snowflake.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for u := range p.unsealed {
		list = append(list, u)
	}
	clear(p.unsealed)
	return list
}
