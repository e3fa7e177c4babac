"use strict";
const dark = localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
document.documentElement.className = dark;
document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = document.getElementById("token").value;
  const base = document.querySelector("script").getAttribute("src").replace(/\/login\.js$/, "");
  const answer = await fetch(base + "/login", { method: "POST", body: JSON.stringify({ token }) });
  if (answer.ok) return location.reload();
  document.getElementById("problem").textContent = (await answer.json()).error;
});
