package hub

func child(string) {}
