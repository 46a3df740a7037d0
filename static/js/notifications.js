// The page of one's notifications: this browser on and off. The rest of the page are forms.

import { $, api, begin, busy, page, refresh, say, t, text } from "./ui.js";
import { remembered, renew, setSound, standing, turnOff, turnOn } from "./notify.js";

begin();

const { me } = page();

function paint() {
  const now = standing(me);
  const on = now === "on" || now === "page";
  const none = on && !document.querySelector("input[name=kinds][checked]");
  text($("here-text"), t(`notify.here.${now}`) + (none ? ` ${t("notify.here.none")}` : ""));
  $("here-on").hidden = now !== "off";
  $("here-off").hidden = !on;
  $("here-sound").hidden = !on;
  $("here-sound").querySelector("input").checked = Boolean(remembered(me)?.sound);
}

const change = (button, work) =>
  button.addEventListener("click", () =>
    busy(button, async () => {
      try {
        await work();
        paint();
        await refresh("devices");
        say($("here-text").textContent);
      } catch (err) {
        text($("here-text"), err.status ? err.message : t("notify.here.failed"));
      }
    }),
  );

change($("here-on"), () => turnOn(me));
change($("here-off"), () => turnOff(me));
$("here-sound").addEventListener("change", (e) => setSound(me, e.target.checked));

// Quiet hours are those of where somebody is, until they say otherwise.
const field = (name) => document.querySelector(`input[name=${name}]`);
field("zone").value ||= Intl.DateTimeFormat().resolvedOptions().timeZone;
field("quiet").addEventListener("change", (e) => {
  if (!e.target.checked) return;
  field("from").value ||= "22:00";
  field("to").value ||= "07:00";
});

paint();
if (["on", "page"].includes(standing(me)))
  api("GET", "/me/notifications").then((n) => renew(me, n)).then(paint).catch(() => {});
