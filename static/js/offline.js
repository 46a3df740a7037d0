// The page that is shown without connection: it goes as soon as there is one.

addEventListener("online", () => location.reload());
