import { initAll } from "./dist/govuk-frontend.js";

initAll();
